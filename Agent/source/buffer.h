/* Memory that grows, straight from the kernel: a worker that dies in the middle of anything leaks no lock. */
#ifndef PROVIUM_BUFFER_H
#define PROVIUM_BUFFER_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

struct buffer {
  uint8_t *data;
  size_t capacity;
};

/* Makes room for `size` bytes in all and keeps what is there; 0 or -ENOMEM with the buffer as it was. */
int buffer_reserve(struct buffer *buffer, size_t size);

/* Gives memory beyond `keep` back to the kernel, so that one large request does not weigh on every snapshot.
 */
void buffer_trim(struct buffer *buffer, size_t keep);

void buffer_free(struct buffer *buffer);

#endif
