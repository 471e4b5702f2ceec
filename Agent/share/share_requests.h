/* The FUSE requests of all shares whose replies have not come. */
#ifndef PROVIUM_SHARE_REQUESTS_H
#define PROVIUM_SHARE_REQUESTS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum {
  /* A header of 40 bytes, the operation's own bytes, and one name. Those with two names are changes. */
  SHARE_REQUEST_MAX = 512,
  SHARE_REQUESTS = 128,
};

/* The beginning of each FUSE request and reply, see struct fuse_in_header and struct fuse_out_header. */
struct share_request_header {
  uint32_t length, operation;
  uint64_t unique;
};
struct share_reply_header {
  uint32_t length;
  int32_t error;
  uint64_t unique;
};

struct share_request {
  uint32_t share; /* 0: free */
  uint32_t length;
  uint64_t order, unique;
  uint8_t bytes[SHARE_REQUEST_MAX];
};

struct share_requests {
  uint32_t count;
  uint64_t next_order;
  struct share_request list[SHARE_REQUESTS];
};

/* Returns whether the kernel waits for a reply to an operation. */
bool share_request_is_answered(uint32_t operation);

bool share_requests_is_full(const struct share_requests *requests);
/* Keeps a request of at most SHARE_REQUEST_MAX bytes. There must be room. */
void share_requests_add(struct share_requests *requests, uint32_t share, const uint8_t *bytes,
                        uint32_t length);
/* Removes the request that was answered; false if there is none. */
bool share_requests_remove(struct share_requests *requests, uint32_t share, uint64_t unique);
/* Removes all requests of a share. */
void share_requests_drop(struct share_requests *requests, uint32_t share);
/* Returns the oldest request that is younger than `order`, and sets `order`; NULL when there is none. */
const struct share_request *share_requests_next(const struct share_requests *requests, uint64_t *order);

#endif
