/*
 * The memory of system calls: one region for each buffer, whose last byte is directly before a page without
 * access.
 *
 * A kernel that is told of more room than there is returns -EFAULT or does less, as for any program, and
 * overwrites nothing of the agent. A buffer ends at the page whatever its length, so it is aligned as its
 * length is. C structs are aligned, because their size is a multiple of their alignment.
 */
#ifndef PROVIUM_CALL_MEMORY_H
#define PROVIUM_CALL_MEMORY_H

#include <stddef.h>
#include <stdint.h>

#include "provium_wire.h"

struct call_region {
  uint8_t *start; /* NULL: none yet */
  size_t size;    /* without the guard page */
};

struct call_memory {
  struct call_region regions[PV_MAX_BUFFERS + PV_MAX_POINTERS];
};

/*
 * Returns `length` bytes of a region, with any contents; NULL without memory. 0 bytes are an address that
 * cannot be accessed. They are valid until the same region is taken again.
 */
uint8_t *call_memory_take(struct call_memory *memory, uint32_t region, size_t length);

/* Gives large regions back after a call that used the first `count`, so that they do not enlarge every
 * snapshot. */
void call_memory_trim(struct call_memory *memory, uint32_t count);

/* Gives all regions back. Idempotent. */
void call_memory_free(struct call_memory *memory);

#endif
