#ifndef PROVIUM_SERVE_H
#define PROVIUM_SERVE_H

#include "session.h"

/* Serves one connection after the other. Returns when no other connection can come. */
void serve_connections(struct session *session);

#endif
