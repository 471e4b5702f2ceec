/* Reads the fields of a payload, forward. */
#ifndef PROVIUM_READER_H
#define PROVIUM_READER_H

#include <errno.h>
#include <stdbool.h>

#include "message.h"

/* After the first read beyond the end every further read fails too. */
struct reader {
  struct span rest;
  bool failed;
};

static inline struct span reader_take_bytes(struct reader *reader, uint32_t length) {
  if (reader->failed || reader->rest.length < length) {
    reader->failed = true;
    return (struct span){NULL, 0};
  }
  struct span taken = {reader->rest.data, length};
  reader->rest.data += length;
  reader->rest.length -= length;
  return taken;
}

static inline uint64_t reader_take_integer(struct reader *reader, uint32_t size) {
  uint64_t value = 0;
  struct span bytes = reader_take_bytes(reader, size);
  if (!reader->failed) {
    memcpy(&value, bytes.data, size);
  }
  return value;
}

static inline uint32_t reader_take_u32(struct reader *reader) {
  return (uint32_t)reader_take_integer(reader, 4);
}
static inline uint64_t reader_take_u64(struct reader *reader) { return reader_take_integer(reader, 8); }
static inline uint8_t reader_take_u8(struct reader *reader) {
  return (uint8_t)reader_take_integer(reader, 1);
}

static inline struct span reader_take_string(struct reader *reader) {
  return reader_take_bytes(reader, reader_take_u32(reader));
}

/* Returns 0 if the whole payload has been read and nothing was missing. */
static inline int reader_finish(const struct reader *reader) {
  return reader->failed || reader->rest.length != 0 ? EINVAL : 0;
}

#endif
