/*
 * Builds and sends messages on a connection: reply_begin, then additions, then reply_send.
 *
 * An addition that finds no memory makes reply_send answer with ERROR ENOMEM instead.
 */
#ifndef PROVIUM_REPLY_H
#define PROVIUM_REPLY_H

#include <sys/uio.h>

#include "connection.h"

void reply_begin(struct connection *connection, uint8_t type);
void reply_u8(struct connection *connection, uint8_t value);
void reply_u16(struct connection *connection, uint16_t value);
void reply_u32(struct connection *connection, uint32_t value);
void reply_u64(struct connection *connection, uint64_t value);
void reply_bytes(struct connection *connection, const void *bytes, size_t length);
/* Returns room for `size` more bytes, NULL without memory. reply_extend then adds the `used` ones to the
 * message. */
uint8_t *reply_room(struct connection *connection, size_t size);
void reply_extend(struct connection *connection, size_t used);
/* Adds a count that becomes known later, and returns its place for reply_set_count. */
size_t reply_count_place(struct connection *connection);
void reply_set_count(struct connection *connection, size_t place, uint32_t count);
/* Returns how many bytes of payload the message has. */
size_t reply_length(const struct connection *connection);
/* Makes reply_send answer with ERROR ENOMEM. */
void reply_fail(struct connection *connection);
/* Returns false when the host cannot be reached. Blocks while the host does not read. */
bool reply_send(struct connection *connection);

enum { REPLY_PIECES_MAX = 4 };

/* Several messages in a row whose payload is a byte of the caller's and a piece of data each, read by one
 * readv. */
struct reply_pieces {
  struct iovec parts[REPLY_PIECES_MAX];
  int count;
};

/* Makes room for at most `size` bytes of data. Returns false without memory. */
bool reply_pieces_begin(struct connection *connection, struct reply_pieces *pieces, size_t size);
/* Sends the first `length` bytes of the data, at least one. Returns as reply_send. */
bool reply_pieces_send(struct connection *connection, const struct reply_pieces *pieces, uint8_t type,
                       uint8_t first, size_t length);

bool reply_error(struct connection *connection, int number, const char *message);
/* Sends ERROR with the text "ACTION PATH: ERRNO". */
bool reply_error_path(struct connection *connection, int number, const char *action, struct span path);
bool reply_done(struct connection *connection, int64_t value);
bool reply_ready(struct connection *connection, const struct process_table *table);
/* Acknowledges the HELLO of a session. */
void reply_hello(struct connection *connection, const uint8_t nonce[PV_NONCE_SIZE]);

#endif
