#include "admission.h"

#include <sys/socket.h> /* which older kernel headers need before the next */

#include <linux/vm_sockets.h>
#include <string.h>
#include <sys/epoll.h>

#include "descriptor.h"
#include "sys.h"

static void refuse(struct candidate *candidate) {
  descriptor_close(candidate->fd);
  candidate->fd = -1;
}

/* Also of a connection through the guest's own loopback, whose CID is the guest's or VMADDR_CID_LOCAL. */
static bool is_from_host(const struct guest *guest, const struct sockaddr_vm *peer) {
  return guest->listen_prefix != NULL || (peer->svm_family == AF_VSOCK && peer->svm_cid == VMADDR_CID_HOST);
}

bool candidate_accept(const struct guest *guest, int listener, int flags, struct candidate *candidate) {
  struct sockaddr_vm peer = {0};
  unsigned size = sizeof peer;
  *candidate = (struct candidate){.fd = -1};
  int fd = (int)sys_call4(SYS_accept4, listener, &peer, &size, SOCK_CLOEXEC | flags);
  candidate->fd = descriptor_hide(fd);
  if (candidate->fd >= 0 && !is_from_host(guest, &peer)) {
    refuse(candidate);
  }
  return candidate->fd >= 0;
}

/* Small enough for any socket's buffer. */
static void say_wrong_secret(int fd) {
  static const char text[] = "this is not the machine's secret";
  uint8_t message[PV_MESSAGE_HEADER_SIZE + 4 + sizeof text - 1] = {PV_ERROR, 4 + sizeof text - 1};
  int32_t number = EACCES;
  memcpy(message + PV_MESSAGE_HEADER_SIZE, &number, sizeof number);
  memcpy(message + PV_MESSAGE_HEADER_SIZE + sizeof number, text, sizeof text - 1);
  sys_call6(SYS_sendto, fd, (long)message, sizeof message, MSG_NOSIGNAL | MSG_DONTWAIT, 0, 0);
}

enum admission candidate_read(const struct guest *guest, struct candidate *candidate) {
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
    admission = got <= 0
                    ? ADMISSION_REFUSED
                    : decode_admission((struct span){candidate->begin, candidate->received}, guest->secret);
  }
  if (admission == ADMISSION_WRONG_SECRET) {
    say_wrong_secret(candidate->fd);
  }
  if (admission != ADMISSION_GRANTED) {
    refuse(candidate);
  }
  return admission;
}

int candidate_await(const struct guest *guest, struct candidate *candidate, int64_t limit_ms) {
  struct pollfd poll = {candidate->fd, POLLIN, 0};
  enum admission admission = candidate_read(guest, candidate);
  for (int64_t left = limit_ms, end = sys_now_ms() + limit_ms; admission == ADMISSION_PENDING && left > 0;
       left = end - sys_now_ms()) {
    sys_poll(&poll, 1, left);
    admission = candidate_read(guest, candidate);
  }
  if (admission == ADMISSION_PENDING) {
    refuse(candidate);
  }
  return candidate->fd;
}
