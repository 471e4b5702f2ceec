#include "share_ready.h"

#include <linux/fuse.h>
#include <string.h>

void share_ready_keep(struct share_ready *ready, uint32_t share, const uint8_t *data, size_t length) {
  struct ready_bundle *bundle = &ready->bundles[ready->next];
  if (length > sizeof bundle->data) {
    return;
  }
  ready->next = (ready->next + 1) % READY_BUNDLES;
  bundle->share = share;
  bundle->count = bundle->used = 0;
  memcpy(bundle->data, data, length);
  struct pv_ahead head;
  size_t at = 0;
  while (bundle->count < PV_AHEAD_ANSWERS && length - at >= sizeof head) {
    memcpy(&head, bundle->data + at, sizeof head);
    at += sizeof head;
    if (head.length > length - at) {
      return;
    }
    bundle->answers[bundle->count++] =
        (struct ready_answer){head.operation, head.length, bundle->data + at, head.node, head.offset};
    size_t padded = ((size_t)head.length + 7) & ~(size_t)7;
    at += padded < length - at ? padded : length - at;
    bundle->left = bundle->count;
  }
}

void share_ready_drop(struct share_ready *ready, uint32_t share) {
  for (uint32_t i = 0; i < READY_BUNDLES; i++) {
    if (share == 0 || ready->bundles[i].share == share) {
      ready->bundles[i].share = 0;
    }
  }
}

static bool answer_fits(const struct ready_answer *answer, const struct fuse_in_header *header,
                        const struct fuse_read_in *read) {
  return answer->operation != 0 && answer->operation == header->opcode && answer->node == header->nodeid &&
         answer->offset == read->offset && answer->length <= read->size;
}

static struct ready_answer *ready_find(struct share_ready *ready, uint32_t share,
                                       const struct fuse_in_header *header, const struct fuse_read_in *read) {
  for (uint32_t b = 0; b < READY_BUNDLES; b++) {
    struct ready_bundle *bundle = &ready->bundles[b];
    for (uint32_t i = 0; bundle->share == share && i < bundle->count; i++) {
      /* Mostly the one after the last that was used: a reader takes them in order. */
      uint32_t index = (bundle->used + i) % bundle->count;
      if (answer_fits(&bundle->answers[index], header, read)) {
        bundle->used = index + 1;
        bundle->share = --bundle->left == 0 ? 0 : share;
        return &bundle->answers[index];
      }
    }
  }
  return NULL;
}

bool share_ready_take(struct share_ready *ready, uint32_t share, const uint8_t *request, size_t length,
                      struct ready_answer *answer) {
  struct fuse_in_header header;
  struct fuse_read_in read; /* of READ, READDIR and READDIRPLUS */
  if (length < sizeof header + sizeof read) {
    return false;
  }
  memcpy(&header, request, sizeof header);
  memcpy(&read, request + sizeof header, sizeof read);
  struct ready_answer *found = ready_find(ready, share, &header, &read);
  if (found != NULL) {
    *answer = *found;
    found->operation = 0;
  }
  return found != NULL;
}
