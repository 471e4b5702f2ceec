/*
 * Growing memory, mapped directly from the kernel. The C library's allocator has a lock, and a worker that
 * dies while it holds the lock would block every other worker in the same memory.
 */
#ifndef PROVIUM_BUFFER_H
#define PROVIUM_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buffer {
  uint8_t *data;
  size_t capacity;
};

/* Grows the buffer to at least `size` bytes and keeps its contents. Returns 0, or -ENOMEM with the buffer
 * unchanged. */
int buffer_reserve(struct buffer *buffer, size_t size);

/* Returns memory beyond `keep` bytes to the kernel, so that one large request does not enlarge every
 * snapshot. */
void buffer_trim(struct buffer *buffer, size_t keep);

/* Returns all memory to the kernel. Idempotent. */
void buffer_free(struct buffer *buffer);

#endif
