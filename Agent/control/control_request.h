#ifndef PROVIUM_CONTROL_REQUEST_H
#define PROVIUM_CONTROL_REQUEST_H

#include "message.h"

struct control;

/* Handles a request of the control connection: INTERRUPT, KILL_WORKER, QUIESCE, ECHO or SHUTDOWN. */
void request_handle(struct control *control, struct message message);

#endif
