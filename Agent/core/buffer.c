#include "buffer.h"

#include "sys.h"

enum { BUFFER_UNIT = 65536 };

static size_t buffer_size_rounded(size_t size) {
  return (size + BUFFER_UNIT - 1) / BUFFER_UNIT * BUFFER_UNIT;
}

int buffer_reserve(struct buffer *buffer, size_t size) {
  if (size <= buffer->capacity) {
    return 0;
  }
  if (size > SIZE_MAX / 4) {
    return -ENOMEM;
  }
  /* Doubling: a message that arrives in many small reads is moved only a few times. */
  size_t capacity = buffer_size_rounded(size);
  if (capacity < buffer->capacity * 2) {
    capacity = buffer->capacity * 2;
  }
  void *data = buffer->data == NULL ? sys_map(capacity, MAP_PRIVATE)
                                    : sys_remap(buffer->data, buffer->capacity, capacity);
  if (sys_pointer_errno(data) != 0) {
    return -ENOMEM;
  }
  buffer->data = data;
  buffer->capacity = capacity;
  return 0;
}

void buffer_trim(struct buffer *buffer, size_t keep) {
  keep = buffer_size_rounded(keep);
  if (buffer->capacity <= keep) {
    return;
  }
  void *data = sys_remap(buffer->data, buffer->capacity, keep);
  if (sys_pointer_errno(data) == 0) {
    buffer->data = data;
    buffer->capacity = keep;
  }
}

void buffer_free(struct buffer *buffer) {
  if (buffer->data != NULL) {
    sys_unmap(buffer->data, buffer->capacity);
  }
  buffer->data = NULL;
  buffer->capacity = 0;
}
