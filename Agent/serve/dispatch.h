#ifndef PROVIUM_DISPATCH_H
#define PROVIUM_DISPATCH_H

#include "session.h"

/* Decodes a request, handles it and answers it, in every case. */
void dispatch_request(struct session *session, struct message message);

#endif
