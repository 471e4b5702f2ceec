#define _GNU_SOURCE
#include "clinux.h"

#include <errno.h>
#include <poll.h>
#include <string.h>
#include <sys/socket.h>
#include <time.h>

int clinux_packet_pair(int ends[2], int buffer) {
  if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, ends) < 0) return -errno;
  for (int i = 0; i < 2; i++)
    setsockopt(ends[i], SOL_SOCKET, SO_SNDBUF, &buffer, sizeof buffer);
  return 0;
}

int clinux_receive_frames(int socket, void *memory, size_t slot, int count, uint32_t *lengths) {
  struct mmsghdr messages[CLINUX_FRAMES];
  struct iovec places[CLINUX_FRAMES];
  if (count > CLINUX_FRAMES) count = CLINUX_FRAMES;
  for (int i = 0; i < count; i++) {
    places[i] = (struct iovec){(char *)memory + (size_t)i * slot, slot};
    messages[i].msg_hdr = (struct msghdr){.msg_iov = &places[i], .msg_iovlen = 1};
  }
  int received = recvmmsg(socket, messages, (unsigned)count, MSG_DONTWAIT, NULL);
  if (received < 0) return -errno;
  for (int i = 0; i < received; i++) {
    bool is_cut = (messages[i].msg_hdr.msg_flags & MSG_TRUNC) != 0;
    lengths[i] = is_cut ? UINT32_MAX : messages[i].msg_len;
  }
  return received;
}

int clinux_send_frames(int socket, const void *const *frames, const uint32_t *lengths, int count) {
  struct mmsghdr messages[CLINUX_FRAMES];
  struct iovec places[CLINUX_FRAMES];
  if (count > CLINUX_FRAMES) count = CLINUX_FRAMES;
  for (int i = 0; i < count; i++) {
    places[i] = (struct iovec){(void *)frames[i], lengths[i]};
    messages[i].msg_hdr = (struct msghdr){.msg_iov = &places[i], .msg_iovlen = 1};
  }
  int sent = sendmmsg(socket, messages, (unsigned)count, MSG_DONTWAIT | MSG_NOSIGNAL);
  return sent < 0 ? -errno : sent;
}

int clinux_poll(struct pollfd *entries, size_t count, uint64_t nanoseconds) {
  struct timespec limit = {(time_t)(nanoseconds / 1000000000), (long)(nanoseconds % 1000000000)};
  int ready = ppoll(entries, count, nanoseconds == UINT64_MAX ? NULL : &limit, NULL);
  return ready < 0 ? -errno : ready;
}
