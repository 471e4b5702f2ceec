/* The source of a serving process's connections, one after the other. */
#ifndef PROVIUM_ENDPOINT_H
#define PROVIUM_ENDPOINT_H

#include "connection.h"
#include "environment.h"

struct endpoint {
  int serial;   /* the port, once it has been found */
  int listener; /* vsock, or a Unix socket in a test */
  int handed;   /* socket over which control sends a worker its connections */
  int given;    /* a connection that a test passed in; it is the only one */
  bool given_link;
  int events; /* device events, while the port has not been found */
  int epoll;
};

/* An endpoint without any source: all descriptors are -1. */
extern const struct endpoint endpoint_none;

/* Opens the main agent's sources: its port, vsock, or both. */
void endpoint_open_main(struct endpoint *endpoint, const struct environment *environment);

/* Blocks until a session has begun on the connection. Returns false when no other session can come. */
bool endpoint_wait(struct endpoint *endpoint, const struct environment *environment,
                   struct connection *connection);

/* Ends the session: closes an accepted connection; a serial port stays open for the next session. */
void endpoint_release(struct endpoint *endpoint, struct connection *connection);

/* Closes all sources. Idempotent. */
void endpoint_close(struct endpoint *endpoint);

#endif
