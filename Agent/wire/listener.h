#ifndef PROVIUM_LISTENER_H
#define PROVIUM_LISTENER_H

#include "environment.h"

/* Returns a hidden socket that listens on a vsock port (in a test: on a Unix socket), or -errno. */
int listener_open(const struct environment *environment, uint32_t port);

#endif
