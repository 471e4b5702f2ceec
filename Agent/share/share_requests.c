#include "share_requests.h"

#include <linux/fuse.h>
#include <string.h>

bool share_request_is_answered(uint32_t operation) {
  return operation != FUSE_FORGET && operation != FUSE_BATCH_FORGET && operation != FUSE_INTERRUPT;
}

bool share_requests_is_full(const struct share_requests *requests) {
  return requests->count == SHARE_REQUESTS;
}

void share_requests_add(struct share_requests *requests, uint32_t share, const uint8_t *bytes,
                        uint32_t length) {
  struct share_request_header header;
  memcpy(&header, bytes, sizeof header);
  for (uint32_t i = 0; i < SHARE_REQUESTS; i++) {
    struct share_request *request = &requests->list[i];
    if (request->share == 0) {
      request->share = share;
      request->length = length;
      request->order = ++requests->next_order;
      request->unique = header.unique;
      memcpy(request->bytes, bytes, length);
      requests->count++;
      return;
    }
  }
}

bool share_requests_remove(struct share_requests *requests, uint32_t share, uint64_t unique) {
  for (uint32_t i = 0; i < SHARE_REQUESTS; i++) {
    struct share_request *request = &requests->list[i];
    if (request->share == share && request->unique == unique) {
      request->share = 0;
      requests->count--;
      return true;
    }
  }
  return false;
}

void share_requests_drop(struct share_requests *requests, uint32_t share) {
  for (uint32_t i = 0; i < SHARE_REQUESTS; i++) {
    if (requests->list[i].share == share) {
      requests->list[i].share = 0;
      requests->count--;
    }
  }
}

const struct share_request *share_requests_next(const struct share_requests *requests, uint64_t *order) {
  const struct share_request *next = NULL;
  for (uint32_t i = 0; i < SHARE_REQUESTS; i++) {
    const struct share_request *request = &requests->list[i];
    if (request->share != 0 && request->order > *order && (next == NULL || request->order < next->order)) {
      next = request;
    }
  }
  *order = next != NULL ? next->order : *order;
  return next;
}
