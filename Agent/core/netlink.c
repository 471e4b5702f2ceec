#include "netlink.h"

#include <string.h>

#include "descriptor.h"
#include "sys.h"

int netlink_open(void) {
  long fd = sys_call3(SYS_socket, AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC, NETLINK_ROUTE);
  return fd < 0 ? (int)fd : descriptor_hide((int)fd);
}

void *netlink_begin(struct netlink_request *request, uint16_t type, uint16_t flags, size_t size) {
  memset(request, 0, sizeof *request);
  request->header.nlmsg_type = type;
  request->header.nlmsg_flags = (uint16_t)(NLM_F_REQUEST | flags);
  request->header.nlmsg_len = (uint32_t)(NLMSG_HDRLEN + NLMSG_ALIGN(size));
  return request->body;
}

void netlink_add(struct netlink_request *request, uint16_t type, const void *value, size_t size) {
  size_t at = request->header.nlmsg_len - NLMSG_HDRLEN;
  if (at + RTA_SPACE(size) > sizeof request->body) {
    return;
  }
  struct rtattr attribute = {(unsigned short)RTA_LENGTH(size), type};
  memcpy(request->body + at, &attribute, sizeof attribute);
  memcpy(request->body + at + RTA_LENGTH(0), value, size);
  request->header.nlmsg_len += (uint32_t)RTA_SPACE(size);
}

static long netlink_send(int fd, const struct netlink_request *request) {
  struct sockaddr_nl kernel = {.nl_family = AF_NETLINK};
  return sys_call6(SYS_sendto, fd, (long)request, (long)request->header.nlmsg_len, 0, (long)&kernel,
                   sizeof kernel);
}

/* Reads the errno of an NLMSG_ERROR; 0 is an acknowledgement. */
static int netlink_error(const struct nlmsghdr *message) {
  int error = -EBADMSG;
  if (message->nlmsg_len >= NLMSG_LENGTH(sizeof(struct nlmsgerr))) {
    memcpy(&error, NLMSG_DATA(message), sizeof error);
  }
  return error;
}

int netlink_ask(int fd, struct netlink_request *request) {
  _Alignas(struct nlmsghdr) uint8_t reply[1024];
  request->header.nlmsg_flags |= NLM_F_ACK;
  long length = netlink_send(fd, request);
  if (length < 0) {
    return (int)length;
  }
  do {
    length = sys_call6(SYS_recvfrom, fd, (long)reply, sizeof reply, 0, 0, 0);
  } while (length == -EINTR);
  if (length < 0) {
    return (int)length;
  }
  const struct nlmsghdr *message = (const struct nlmsghdr *)reply;
  if (!NLMSG_OK(message, (uint32_t)length) || message->nlmsg_type != NLMSG_ERROR) {
    return -EBADMSG;
  }
  return netlink_error(message);
}

int netlink_dump(int fd, struct netlink_request *request, uint8_t *room, size_t size,
                 void (*visit)(const struct nlmsghdr *message, void *context), void *context) {
  request->header.nlmsg_flags |= NLM_F_DUMP;
  long length = netlink_send(fd, request);
  if (length < 0) {
    return (int)length;
  }
  for (;;) {
    length = sys_call6(SYS_recvfrom, fd, (long)room, (long)size, 0, 0, 0);
    if (length == -EINTR) {
      continue;
    }
    if (length <= 0) {
      return length == 0 ? -EBADMSG : (int)length;
    }
    const struct nlmsghdr *message = (const struct nlmsghdr *)room;
    for (uint32_t rest = (uint32_t)length; NLMSG_OK(message, rest); message = NLMSG_NEXT(message, rest)) {
      if (message->nlmsg_type == NLMSG_DONE) {
        return 0;
      }
      if (message->nlmsg_type == NLMSG_ERROR) {
        return netlink_error(message);
      }
      visit(message, context);
    }
  }
}

const void *netlink_find(const struct nlmsghdr *message, size_t size, uint16_t type, size_t least) {
  size_t at = NLMSG_HDRLEN + NLMSG_ALIGN(size);
  while (at + sizeof(struct rtattr) <= message->nlmsg_len) {
    const struct rtattr *attribute = (const struct rtattr *)((const uint8_t *)message + at);
    if (attribute->rta_len < sizeof *attribute || attribute->rta_len > message->nlmsg_len - at) {
      return NULL;
    }
    if ((attribute->rta_type & NLA_TYPE_MASK) == type && RTA_PAYLOAD(attribute) >= least) {
      return RTA_DATA(attribute);
    }
    at += RTA_ALIGN(attribute->rta_len);
  }
  return NULL;
}
