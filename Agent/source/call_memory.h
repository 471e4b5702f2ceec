/*
 * Memory of calls: one region for each buffer, whose last byte lies before a page that nobody may touch.
 *
 * A kernel that is told of more room than there is answers -EFAULT or does less, as it would for any program;
 * it writes over nothing of the agent's. A buffer ends exactly there whatever its length, so it is aligned as
 * far as its length is: whole C structs, whose size is a multiple of their alignment, are.
 */
#ifndef PROVIUM_CALL_MEMORY_H
#define PROVIUM_CALL_MEMORY_H

#include <stddef.h>
#include <stdint.h>

#include "provium_wire.h"

struct memory_region {
  uint8_t *start; /* NULL: none yet */
  size_t size;    /* without the guard behind it */
};

struct call_memory {
  struct memory_region regions[PV_MAX_BUFFERS + PV_MAX_POINTERS];
};

/* `length` bytes, not cleared, valid until the same region is asked for again; NULL without memory. */
uint8_t *memory_take(struct call_memory *memory, uint32_t region, size_t length);

/* After a call with the first `count`: gives back what was large, so that it does not weigh on every
 * snapshot. */
void memory_trim(struct call_memory *memory, uint32_t count);

void memory_free(struct call_memory *memory);

#endif
