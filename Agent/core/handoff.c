#include "handoff.h"

#include <string.h>

#include "sys.h"

union handoff_ancillary {
  struct cmsghdr header;
  char room[CMSG_SPACE(sizeof(int) * HANDOFF_MAX_DESCRIPTORS)];
};

int handoff_send(int socket, const struct handoff_message *message) {
  uint32_t body[4] = {message->kind, message->number, message->job, message->value};
  struct iovec part = {body, sizeof body};
  union handoff_ancillary ancillary;
  memset(&ancillary, 0, sizeof ancillary);
  struct msghdr packet = {.msg_iov = &part, .msg_iovlen = 1};
  if (message->count != 0) {
    ancillary.header.cmsg_level = SOL_SOCKET;
    ancillary.header.cmsg_type = SCM_RIGHTS;
    ancillary.header.cmsg_len = CMSG_LEN(sizeof(int) * message->count);
    memcpy(CMSG_DATA(&ancillary.header), message->descriptors, sizeof(int) * message->count);
    packet.msg_control = &ancillary;
    packet.msg_controllen = CMSG_SPACE(sizeof(int) * message->count);
  }
  long sent;
  do {
    sent = sys_sendmsg(socket, &packet, MSG_NOSIGNAL);
  } while (sent == -EINTR);
  return sent < 0 ? (int)sent : 0;
}

int handoff_receive(int socket, struct handoff_message *message, int flags) {
  uint32_t body[4] = {0, 0, 0, 0};
  struct iovec part = {body, sizeof body};
  union handoff_ancillary ancillary;
  struct msghdr packet = {
      .msg_iov = &part, .msg_iovlen = 1, .msg_control = &ancillary, .msg_controllen = sizeof ancillary};
  long got = sys_recvmsg(socket, &packet, flags | MSG_CMSG_CLOEXEC);
  if (got < 0) {
    return (int)got;
  }
  *message = (struct handoff_message){.kind = body[0], .number = body[1], .job = body[2], .value = body[3]};
  if (packet.msg_controllen >= sizeof(struct cmsghdr) && ancillary.header.cmsg_type == SCM_RIGHTS) {
    message->count = (uint32_t)((ancillary.header.cmsg_len - CMSG_LEN(0)) / sizeof(int));
    memcpy(message->descriptors, CMSG_DATA(&ancillary.header), sizeof(int) * message->count);
  }
  return got == 0 ? -EPIPE : 0;
}
