/*
 * The connection of a serving process: receives messages.
 *
 * Reads and writes block; a small request costs one read and one write. A stream socket carries messages
 * directly; a serial port carries them in link frames (`link`), where a HELLO starts a new session.
 */
#ifndef PROVIUM_CONNECTION_H
#define PROVIUM_CONNECTION_H

#include <stdbool.h>

#include "message.h"
#include "process_table.h"
#include "queue.h"

struct connection {
  int fd; /* -1: none */
  bool link;
  bool restarted;    /* a HELLO has come: everything in flight is stale, and READY must be sent */
  bool lost;         /* a write failed, or the host does not wait for it */
  uint32_t discard;  /* bytes still to arrive of a message for which there is no memory */
  struct queue in;   /* messages */
  struct queue raw;  /* link frames */
  struct buffer out; /* room for a link header, then the message being built, up to out_end */
  size_t out_end;
  bool out_failed; /* no memory for the reply */
  struct slot *slot;
};

enum receive_result {
  RECEIVE_MESSAGE,
  RECEIVE_RESTARTED, /* a new session on the same port; its HELLO has been acknowledged */
  RECEIVE_ENDED,
};

/* Returns 0 or -ENOMEM. */
int connection_init(struct connection *connection, struct slot *slot);
/* Gives all memory back. */
void connection_free(struct connection *connection);
/* Starts with empty buffers on `fd`, which the caller owns. */
void connection_open(struct connection *connection, int fd, bool link);
/* Blocks until a message has arrived. Its payload is valid until the next call. */
enum receive_result connection_receive(struct connection *connection, struct message *message);
/* Gives back the memory that a large message needed. Call it after the message has been handled. */
void connection_settle(struct connection *connection);
/* On a link: reads what has arrived and returns true when it contains the HELLO of a session. */
bool connection_await_hello(struct connection *connection);
/* Returns the events that connection_abandoned needs from poll(2). */
short connection_poll_events(const struct connection *connection);
/*
 * Returns true when the host is gone or has started a new session, after poll(2) has reported `events`. May
 * move the bytes that the payload of the present message points to.
 */
bool connection_abandoned(struct connection *connection, short events);

#endif
