#include "endpoint.h"

#include <sys/epoll.h>

#include "admission.h"
#include "descriptor.h"
#include "handoff.h"
#include "listener.h"
#include "port.h"
#include "sys.h"

const struct endpoint endpoint_none = {-1, -1, -1, -1, false, -1, -1};

/* A kernel without networking has no device events: search for the port often at first, then rarely. */
enum { SEARCH_OFTEN_MS = 1, SEARCH_SELDOM_MS = 100, SEARCHES_OFTEN = 5000 };
/* The host sends its secret together with the connection; other processes may connect and send nothing. */
enum { SECRET_MS = 500 };

/* For a port edge-triggered: level-triggered, it reports a hang-up for as long as the host is away. */
static void endpoint_watch(const struct endpoint *endpoint, int fd, uint32_t events) {
  struct epoll_event event = {.events = events, .data.fd = fd};
  sys_call4(SYS_epoll_ctl, endpoint->epoll, EPOLL_CTL_ADD, fd, &event);
}

static void endpoint_listen_for_host(struct endpoint *endpoint, const struct environment *environment) {
  endpoint->listener = listener_open(environment, PV_VSOCK_PORT);
  if (endpoint->listener >= 0) {
    endpoint_watch(endpoint, endpoint->listener, EPOLLIN);
  }
}

/* The guest's own init may load drivers late, so vsock is tried again until a port has been found. */
static void endpoint_find_port(struct endpoint *endpoint, const struct environment *environment) {
  if (endpoint->listener < 0) {
    endpoint_listen_for_host(endpoint, environment);
  }
  endpoint->serial = descriptor_hide(port_open(environment->private, PV_PORT_MAIN, 0));
  if (endpoint->serial >= 0) {
    endpoint_watch(endpoint, endpoint->serial, EPOLLIN | EPOLLET);
    descriptor_close(endpoint->events);
    endpoint->events = -1;
  }
}

void endpoint_open_main(struct endpoint *endpoint, const struct environment *environment) {
  endpoint->epoll = descriptor_hide((int)sys_call1(SYS_epoll_create1, EPOLL_CLOEXEC));
  if (environment->is_test) {
    endpoint_listen_for_host(endpoint, environment);
  } else {
    endpoint->events = descriptor_hide(port_events_open());
    if (endpoint->events >= 0) {
      endpoint_watch(endpoint, endpoint->events, EPOLLIN);
    }
    endpoint_find_port(endpoint, environment);
  }
}

static bool endpoint_start_serial(struct endpoint *endpoint, struct connection *connection) {
  connection_open(connection, endpoint->serial, true);
  if (connection_await_hello(connection)) {
    return true;
  }
  connection->fd = -1;
  return false;
}

static bool endpoint_start_accepted(struct endpoint *endpoint, const struct environment *environment,
                                    struct connection *connection) {
  struct candidate candidate;
  if (!candidate_accept(environment, endpoint->listener, 0, &candidate)) {
    return false;
  }
  int fd = candidate_await(environment, &candidate, SECRET_MS);
  if (fd < 0) {
    return false;
  }
  connection_open(connection, fd, false);
  return true;
}

static bool endpoint_start_handed(struct endpoint *endpoint, struct connection *connection) {
  struct handoff_message message;
  int error;
  do {
    error = handoff_receive(endpoint->handed, &message, 0);
  } while (error == -EINTR && !connection->slot->must_end);
  if (error != 0 || message.kind != HANDOFF_CONNECTION || message.count != 1) {
    return false;
  }
  connection_open(connection, descriptor_hide(message.descriptors[0]), false);
  return true;
}

/* Returns the milliseconds until the next search for the port, -1 where an event reports it. */
static int64_t endpoint_search_interval(const struct endpoint *endpoint,
                                        const struct environment *environment, unsigned searches) {
  if (endpoint->serial >= 0 || endpoint->events >= 0 || environment->is_test) {
    return -1;
  }
  return searches < SEARCHES_OFTEN ? SEARCH_OFTEN_MS : SEARCH_SELDOM_MS;
}

static bool endpoint_wait_main(struct endpoint *endpoint, const struct environment *environment,
                               struct connection *connection) {
  /* Bytes that arrived during another session may have caused the only event already. */
  if (endpoint->serial >= 0 && endpoint_start_serial(endpoint, connection)) {
    return true;
  }
  for (unsigned searches = 0;; searches++) {
    struct epoll_event events[4];
    int64_t interval = endpoint_search_interval(endpoint, environment, searches);
    long count =
        sys_call6(SYS_epoll_pwait, endpoint->epoll, (long)events, 4, interval, 0, sizeof(sys_sigset));
    if (count == 0) {
      endpoint_find_port(endpoint, environment);
    }
    for (long i = 0; i < count; i++) {
      int fd = events[i].data.fd;
      if (fd == endpoint->events) {
        port_events_drain(fd);
        endpoint_find_port(endpoint, environment);
      } else if (fd == endpoint->serial && endpoint_start_serial(endpoint, connection)) {
        return true;
      } else if (fd == endpoint->listener && endpoint_start_accepted(endpoint, environment, connection)) {
        return true;
      }
    }
  }
}

bool endpoint_wait(struct endpoint *endpoint, const struct environment *environment,
                   struct connection *connection) {
  if (endpoint->given >= 0) {
    connection_open(connection, endpoint->given, endpoint->given_link);
    endpoint->given = -1;
    return true;
  }
  if (endpoint->handed >= 0) {
    return endpoint_start_handed(endpoint, connection);
  }
  if (endpoint->epoll >= 0) {
    return endpoint_wait_main(endpoint, environment, connection);
  }
  /* Ends when a script has closed the listener. Other failures, as too few descriptors, are temporary. */
  while (endpoint->listener >= 0 && sys_fcntl(endpoint->listener, F_GETFD, 0) >= 0 &&
         !connection->slot->must_end) {
    if (endpoint_start_accepted(endpoint, environment, connection)) {
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
