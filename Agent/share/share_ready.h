/*
 * Answers that the host sends before the kernel has asked: the next files, or the next pages of a directory,
 * of a reader that takes them in order. Each is used once, and saves a round trip.
 */
#ifndef PROVIUM_SHARE_READY_H
#define PROVIUM_SHARE_READY_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "provium_wire.h"

/* A reader with 4 bundles is one that reads directories and their files in turn. */
enum { READY_BUNDLES = 4 };

struct ready_answer {
  uint32_t operation; /* 0: was used */
  uint32_t length;
  const uint8_t *data;
  uint64_t node, offset;
};

struct ready_bundle {
  uint32_t share;       /* 0: empty */
  uint32_t count, used; /* the index after the answer that was used last */
  uint32_t left;
  struct ready_answer answers[PV_AHEAD_ANSWERS];
  uint8_t data[PV_AHEAD_MAX];
};

struct share_ready {
  uint32_t next; /* the bundle that is replaced next */
  struct ready_bundle bundles[READY_BUNDLES];
};

/* Keeps the answers of a message of the host: `data` is what follows its header. */
void share_ready_keep(struct share_ready *ready, uint32_t share, const uint8_t *data, size_t length);
/* Drops the answers of one share; those of all with 0. */
void share_ready_drop(struct share_ready *ready, uint32_t share);
/* Takes the answer to a request of the kernel. Its data is valid until the next call of the others. */
bool share_ready_take(struct share_ready *ready, uint32_t share, const uint8_t *request, size_t length,
                      struct ready_answer *answer);

#endif
