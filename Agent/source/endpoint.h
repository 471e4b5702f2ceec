/* Where a serving process gets its connections from, one after the other. */
#ifndef PROVIUM_ENDPOINT_H
#define PROVIUM_ENDPOINT_H

#include "connection.h"
#include "guest.h"

struct endpoint {
  int serial;   /* the port, once it has been found */
  int listener; /* vsock, or a test's Unix socket */
  int handed;   /* socket over which control hands a worker its connections */
  int given;    /* a connection inherited from a test: there is no other */
  bool given_link;
  int events; /* device events, while the port has not been found */
  int epoll;
};

/* All of them -1. */
extern const struct endpoint endpoint_none;

/* The main agent's: its port or vsock, whichever the host uses. */
void endpoint_open_main(struct endpoint *endpoint, const struct guest *guest);

/* A hidden listening socket on `port`, or -errno. */
int endpoint_listen(const struct guest *guest, uint32_t port);

/* Blocks until a session has begun on the connection; false when there will be no other. */
bool endpoint_wait(struct endpoint *endpoint, const struct guest *guest, struct connection *connection);

/* Ends the session: closes what was accepted; a serial port stays open for the next one. */
void endpoint_release(struct endpoint *endpoint, struct connection *connection);

/* Closes everything. */
void endpoint_close(struct endpoint *endpoint);

#endif
