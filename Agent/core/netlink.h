/* Requests to the kernel's routing socket (netlink(7), rtnetlink(7)). */
#ifndef PROVIUM_NETLINK_H
#define PROVIUM_NETLINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include <linux/netlink.h>
#include <linux/rtnetlink.h>

/* A request that is being built. */
struct netlink_request {
  struct nlmsghdr header;
  uint8_t body[256]; /* the family's header, then attributes */
};

/* Returns a descriptor, hidden from programs, or -errno. */
int netlink_open(void);

/* Begins a request whose family's header has `size` bytes, all 0, and returns that header. */
void *netlink_begin(struct netlink_request *request, uint16_t type, uint16_t flags, size_t size);

/* Adds an attribute. A request has room for all attributes that the agent sends. */
void netlink_add(struct netlink_request *request, uint16_t type, const void *value, size_t size);

/* Sends a request and waits for its acknowledgement. Returns 0 or -errno. */
int netlink_ask(int fd, struct netlink_request *request);

/*
 * Sends a request for a list, and calls `visit` with each message of the reply. `room` receives the messages.
 * Returns 0 or -errno.
 */
int netlink_dump(int fd, struct netlink_request *request, uint8_t *room, size_t size,
                 void (*visit)(const struct nlmsghdr *message, void *context), void *context);

/* Returns the value of an attribute after the family's header of `size` bytes, or NULL; at least `least`
 * bytes of it exist. */
const void *netlink_find(const struct nlmsghdr *message, size_t size, uint16_t type, size_t least);

#endif
