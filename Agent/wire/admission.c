#include "admission.h"

#include <sys/socket.h> /* older kernel headers need it before linux/vm_sockets.h */

#include <linux/vm_sockets.h>
#include <string.h>
#include <sys/epoll.h>

#include "descriptor.h"
#include "sys.h"

static void candidate_refuse(struct candidate *candidate) {
  descriptor_close(candidate->fd);
  candidate->fd = -1;
}

/* A connection through the guest's own loopback has the guest's CID or VMADDR_CID_LOCAL. */
static bool candidate_is_from_host(const struct environment *environment, const struct sockaddr_vm *peer) {
  return environment->listen_prefix != NULL ||
         (peer->svm_family == AF_VSOCK && peer->svm_cid == VMADDR_CID_HOST);
}

bool candidate_accept(const struct environment *environment, int listener, int flags,
                      struct candidate *candidate) {
  struct sockaddr_vm peer = {0};
  unsigned size = sizeof peer;
  *candidate = (struct candidate){.fd = -1};
  int fd = (int)sys_call4(SYS_accept4, listener, &peer, &size, SOCK_CLOEXEC | flags);
  candidate->fd = descriptor_hide(fd);
  if (candidate->fd >= 0 && !candidate_is_from_host(environment, &peer)) {
    candidate_refuse(candidate);
  }
  return candidate->fd >= 0;
}

/* Small enough for every socket's buffer, so it need not wait. */
static void candidate_send_wrong_secret(int fd) {
  uint8_t message[PV_MESSAGE_HEADER_SIZE + ERROR_MAX];
  uint32_t length =
      error_write(message + PV_MESSAGE_HEADER_SIZE, EACCES, "this is not the secret of this VM");
  message_write_header(message, PV_ERROR, length);
  sys_call6(SYS_sendto, fd, (long)message, PV_MESSAGE_HEADER_SIZE + length, MSG_NOSIGNAL | MSG_DONTWAIT, 0,
            0);
}

enum admission candidate_read(const struct environment *environment, struct candidate *candidate) {
  enum admission admission = ADMISSION_PENDING;
  while (admission == ADMISSION_PENDING) {
    long got = sys_call6(SYS_recvfrom, candidate->fd, (long)(candidate->begin + candidate->received),
                         ADMISSION_SIZE - candidate->received, MSG_DONTWAIT, 0, 0);
    if (got == -EINTR) {
      continue;
    }
    if (got == -EAGAIN) {
      return ADMISSION_PENDING;
    }
    candidate->received += got > 0 ? (uint32_t)got : 0;
    admission = got <= 0 ? ADMISSION_REFUSED
                         : decode_admission((struct span){candidate->begin, candidate->received},
                                            environment->secret);
  }
  if (admission == ADMISSION_WRONG_SECRET) {
    candidate_send_wrong_secret(candidate->fd);
  }
  if (admission != ADMISSION_GRANTED) {
    candidate_refuse(candidate);
  }
  return admission;
}

int candidate_await(const struct environment *environment, struct candidate *candidate, int64_t limit_ms) {
  struct pollfd poll = {candidate->fd, POLLIN, 0};
  enum admission admission = candidate_read(environment, candidate);
  for (int64_t left = limit_ms, end = sys_now_ms() + limit_ms; admission == ADMISSION_PENDING && left > 0;
       left = end - sys_now_ms()) {
    sys_poll(&poll, 1, left);
    admission = candidate_read(environment, candidate);
  }
  if (admission == ADMISSION_PENDING) {
    candidate_refuse(candidate);
  }
  return candidate->fd;
}
