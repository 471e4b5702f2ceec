#include "endpoint.h"

#include <sys/socket.h> /* which older kernel headers need before the next */

#include <linux/vm_sockets.h>
#include <string.h>
#include <sys/epoll.h>
#include <sys/un.h>

#include "admission.h"
#include "descriptor.h"
#include "internal.h"
#include "port.h"
#include "sys.h"

const struct endpoint endpoint_none = {-1, -1, -1, -1, false, -1, -1};

/* Without device events (a kernel without networking) one has to look: often at first, then now and then. */
enum { LOOK_OFTEN_MS = 1, LOOK_SELDOM_MS = 100, LOOKS_OFTEN = 5000 };
/* The host sends its secret with the connection, and dials again where that was too slow; somebody else may
 * be silent. */
enum { SECRET_MS = 500 };

int endpoint_listen(const struct guest *guest, uint32_t port) {
  struct sockaddr_vm vsock = {.svm_family = AF_VSOCK, .svm_cid = VMADDR_CID_ANY, .svm_port = port};
  struct sockaddr_un local = {.sun_family = AF_UNIX};
  const void *address = &vsock;
  size_t size = sizeof vsock;
  if (guest->listen_prefix != NULL) {
    struct text path = {.length = 0};
    text_add(&path, guest->listen_prefix);
    text_add(&path, ".");
    text_add_number(&path, port);
    if (path.length >= sizeof local.sun_path) {
      return -ENAMETOOLONG;
    }
    memcpy(local.sun_path, path.data, path.length + 1);
    sys_call3(SYS_unlinkat, AT_FDCWD, local.sun_path, 0);
    address = &local;
    size = sizeof local;
  } else if (guest->is_test || !guest->has_secret) {
    return -EAFNOSUPPORT;
  }
  int family = guest->listen_prefix != NULL ? AF_UNIX : AF_VSOCK;
  int fd = descriptor_hide((int)sys_call3(SYS_socket, family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (fd < 0) {
    return fd;
  }
  long result = sys_call3(SYS_bind, fd, address, size);
  result = result == 0 ? sys_call2(SYS_listen, fd, 8) : result;
  if (result != 0) {
    descriptor_close(fd);
    return (int)result;
  }
  return fd;
}

/* Edge-triggered: a port whose host is away is "hung up" for as long as that lasts. */
static void watch(const struct endpoint *endpoint, int fd, uint32_t events) {
  struct epoll_event event = {.events = events, .data.fd = fd};
  sys_call4(SYS_epoll_ctl, endpoint->epoll, EPOLL_CTL_ADD, fd, &event);
}

static void listen_for_host(struct endpoint *endpoint, const struct guest *guest) {
  endpoint->listener = endpoint_listen(guest, PV_VSOCK_PORT);
  if (endpoint->listener >= 0) {
    watch(endpoint, endpoint->listener, EPOLLIN);
  }
}

/* Drivers may come late, with the guest's own init: vsock is tried again for as long as there is no port. */
static void look_for_port(struct endpoint *endpoint, const struct guest *guest) {
  if (endpoint->listener < 0) {
    listen_for_host(endpoint, guest);
  }
  endpoint->serial = descriptor_hide(port_open(guest->private, PV_PORT_MAIN, 0));
  if (endpoint->serial >= 0) {
    watch(endpoint, endpoint->serial, EPOLLIN | EPOLLET);
    descriptor_close(endpoint->events);
    endpoint->events = -1;
  }
}

void endpoint_open_main(struct endpoint *endpoint, const struct guest *guest) {
  endpoint->epoll = descriptor_hide((int)sys_call1(SYS_epoll_create1, EPOLL_CLOEXEC));
  if (guest->is_test) {
    listen_for_host(endpoint, guest);
  } else {
    endpoint->events = descriptor_hide(port_events_open());
    if (endpoint->events >= 0) {
      watch(endpoint, endpoint->events, EPOLLIN);
    }
    look_for_port(endpoint, guest);
  }
}

static bool start_serial(struct endpoint *endpoint, struct connection *connection) {
  connection_open(connection, endpoint->serial, true);
  if (connection_await_hello(connection)) {
    return true;
  }
  connection->fd = -1;
  return false;
}

static bool start_accepted(struct endpoint *endpoint, const struct guest *guest,
                           struct connection *connection) {
  struct candidate candidate;
  if (!candidate_accept(guest, endpoint->listener, 0, &candidate)) {
    return false;
  }
  int fd = candidate_await(guest, &candidate, SECRET_MS);
  if (fd < 0) {
    return false;
  }
  connection_open(connection, fd, false);
  return true;
}

static bool start_handed(struct endpoint *endpoint, struct connection *connection) {
  struct internal_message message;
  int error = internal_receive(endpoint->handed, &message, 0);
  if (error != 0 || message.kind != INTERNAL_CONNECTION || message.count != 1) {
    return false;
  }
  connection_open(connection, descriptor_hide(message.descriptors[0]), false);
  return true;
}

/* Milliseconds until the next look for the port, -1 where an event will tell. */
static int64_t look_interval(const struct endpoint *endpoint, const struct guest *guest, unsigned looks) {
  if (endpoint->serial >= 0 || endpoint->events >= 0 || guest->is_test) {
    return -1;
  }
  return looks < LOOKS_OFTEN ? LOOK_OFTEN_MS : LOOK_SELDOM_MS;
}

static bool wait_main(struct endpoint *endpoint, const struct guest *guest, struct connection *connection) {
  /* What came while another session was on may have used up its edge. */
  if (endpoint->serial >= 0 && start_serial(endpoint, connection)) {
    return true;
  }
  for (unsigned looks = 0;; looks++) {
    struct epoll_event events[4];
    int64_t interval = look_interval(endpoint, guest, looks);
    long count =
        sys_call6(SYS_epoll_pwait, endpoint->epoll, (long)events, 4, interval, 0, sizeof(sys_sigset));
    if (count == 0) {
      look_for_port(endpoint, guest);
    }
    for (long i = 0; i < count; i++) {
      int fd = events[i].data.fd;
      if (fd == endpoint->events) {
        port_events_drain(fd);
        look_for_port(endpoint, guest);
      } else if (fd == endpoint->serial && start_serial(endpoint, connection)) {
        return true;
      } else if (fd == endpoint->listener && start_accepted(endpoint, guest, connection)) {
        return true;
      }
    }
  }
}

bool endpoint_wait(struct endpoint *endpoint, const struct guest *guest, struct connection *connection) {
  if (endpoint->given >= 0) {
    connection_open(connection, endpoint->given, endpoint->given_link);
    endpoint->given = -1;
    return true;
  }
  if (endpoint->handed >= 0) {
    return start_handed(endpoint, connection);
  }
  if (endpoint->epoll >= 0) {
    return wait_main(endpoint, guest, connection);
  }
  /* Until a script closes the listener under us; other failures (no descriptors, a host gone at once) pass.
   */
  while (endpoint->listener >= 0 && sys_fcntl(endpoint->listener, F_GETFD, 0) >= 0) {
    if (start_accepted(endpoint, guest, connection)) {
      return true;
    }
    sys_sleep_ms(1);
  }
  return false;
}

void endpoint_release(struct endpoint *endpoint, struct connection *connection) {
  if (connection->fd != endpoint->serial) {
    descriptor_close(connection->fd);
  }
  connection->fd = -1;
}

void endpoint_close(struct endpoint *endpoint) {
  descriptor_close(endpoint->serial);
  descriptor_close(endpoint->listener);
  descriptor_close(endpoint->handed);
  descriptor_close(endpoint->given);
  descriptor_close(endpoint->events);
  descriptor_close(endpoint->epoll);
  *endpoint = endpoint_none;
}
