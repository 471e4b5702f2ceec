#include "listener.h"

#include <sys/socket.h> /* older kernel headers need it before linux/vm_sockets.h */

#include <linux/vm_sockets.h>
#include <string.h>
#include <sys/un.h>

#include "descriptor.h"
#include "sys.h"
#include "text.h"

enum { LISTENER_BACKLOG = 8 };

static int listener_bind(int family, const void *address, size_t size) {
  int fd = descriptor_hide((int)sys_call3(SYS_socket, family, SOCK_STREAM | SOCK_CLOEXEC, 0));
  if (fd < 0) {
    return fd;
  }
  long result = sys_call3(SYS_bind, fd, address, size);
  result = result == 0 ? sys_call2(SYS_listen, fd, LISTENER_BACKLOG) : result;
  if (result != 0) {
    descriptor_close(fd);
    return (int)result;
  }
  return fd;
}

static int listener_open_local(const char *prefix, uint32_t port) {
  struct sockaddr_un address = {.sun_family = AF_UNIX};
  struct text path = {.length = 0};
  text_add(&path, prefix);
  text_add(&path, ".");
  text_add_number(&path, port);
  if (path.length >= sizeof address.sun_path) {
    return -ENAMETOOLONG;
  }
  memcpy(address.sun_path, path.data, path.length + 1);
  sys_call3(SYS_unlinkat, AT_FDCWD, address.sun_path, 0);
  return listener_bind(AF_UNIX, &address, sizeof address);
}

int listener_open(const struct environment *environment, uint32_t port) {
  if (environment->listen_prefix != NULL) {
    return listener_open_local(environment->listen_prefix, port);
  }
  if (environment->is_test || !environment->has_secret) {
    return -EAFNOSUPPORT;
  }
  struct sockaddr_vm address = {.svm_family = AF_VSOCK, .svm_cid = VMADDR_CID_ANY, .svm_port = port};
  return listener_bind(AF_VSOCK, &address, sizeof address);
}
