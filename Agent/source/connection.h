/*
 * One connection of a serving process: bytes in, messages out, and the way back.
 *
 * Reads and writes block; the latency of a small request is one read and one write. A stream socket carries
 * messages as they are; a serial port carries them in link frames (`link`), where a HELLO begins a session
 * anew.
 */
#ifndef PROVIUM_CONNECTION_H
#define PROVIUM_CONNECTION_H

#include <stdbool.h>

#include "buffer.h"
#include "decode.h"
#include "shared.h"
#include "text.h"

struct connection {
  int fd; /* -1: none */
  bool link;
  bool restarted;   /* a HELLO has come: whatever was in flight is stale, READY is due */
  bool lost;        /* a write failed, or nobody waits for it */
  uint32_t discard; /* bytes still to come of a message that there is no memory for */
  struct buffer in; /* messages: in.data[in_start, in_end) */
  size_t in_start, in_end;
  struct buffer raw; /* link frames: raw.data[raw_start, raw_end) */
  size_t raw_start, raw_end;
  struct buffer out; /* room for a link header, then the message that is being built, up to out_end */
  size_t out_end;
  bool out_failed; /* no memory for the reply */
  struct slot *slot;
};

struct message {
  uint8_t type;
  struct span payload; /* valid until the next receive */
};

enum receive_result {
  RECEIVE_MESSAGE,
  RECEIVE_RESTARTED, /* a new session on the same port; HELLO has been acknowledged */
  RECEIVE_ENDED,
};

int connection_init(struct connection *connection, struct slot *slot);
/* Starts with `fd`, which stays the caller's, and empty buffers. */
void connection_open(struct connection *connection, int fd, bool link);
enum receive_result connection_receive(struct connection *connection, struct message *message);
/* After a message: gives back what a large one has grown. */
void connection_settle(struct connection *connection);
/* Over a link: waits for the HELLO that begins a session while bytes are there; true when it has come. */
bool connection_await_hello(struct connection *connection);
/*
 * For a command's loop, after poll(2) has reported `events` on the connection: true when the host is gone, or
 * has begun anew. May move what the message's payload points to.
 */
bool connection_abandoned(struct connection *connection, short events);
/* What a command's loop asks poll(2) for. */
short connection_watch(const struct connection *connection);

/* ---- replies: begin, add, send ---- */
void reply_begin(struct connection *connection, uint8_t type);
void reply_u8(struct connection *connection, uint8_t value);
void reply_u16(struct connection *connection, uint16_t value);
void reply_u32(struct connection *connection, uint32_t value);
void reply_u64(struct connection *connection, uint64_t value);
void reply_bytes(struct connection *connection, const void *bytes, size_t length);
/* Room for `size` more bytes to write to in place, NULL without memory; reply_extend then takes `used` of
 * them. */
uint8_t *reply_room(struct connection *connection, size_t size);
void reply_extend(struct connection *connection, size_t used);
/* False when the host cannot be reached. Blocks while the host does not read. */
bool reply_send(struct connection *connection);

bool reply_error(struct connection *connection, int number, const char *message);
/* "VERB PATH: ERRNO" */
bool reply_error_path(struct connection *connection, int number, const char *verb, struct span path);
bool reply_done(struct connection *connection, int64_t value);

#endif
