/*
 * The connections of workers over the port. Channel n of the link is relayed to a local socket whose other
 * end worker n reads. A worker gets a new socket for every connection, so that it sees a beginning and an end
 * as on vsock.
 */
#ifndef PROVIUM_CONTROL_CHANNEL_H
#define PROVIUM_CONTROL_CHANNEL_H

#include "control_interrupt.h"
#include "queue.h"

struct channel {
  int handing; /* socket over which the worker is passed its connections; -1: no such worker */
  int stream;  /* our end of the present connection; -1: none */
  bool waits;  /* `out` is sent on when the worker reads again */
  struct queue out;
};

struct channels {
  struct channel list[TARGETS];
  bool paused; /* the host does not read, so control does not read from workers */
};

struct control;

void channels_init(struct control *control);
/* Adds a new worker. Takes over the descriptor. */
void channel_add(struct control *control, uint32_t number, int handing);
/* The host opens a connection to a worker. The caller has handled all handoff messages. */
void channel_open(struct control *control, uint32_t number);
/* Relays bytes of the host to a worker. */
void channel_receive(struct control *control, uint32_t number, const uint8_t *bytes, size_t length);
/* Handles events of the local socket. */
void channel_ready(struct control *control, uint32_t number, uint32_t events);
/* Ends the present connection. `tell_host` is false when the host has ended it. */
void channel_close(struct control *control, uint32_t number, bool tell_host);
/* Removes a worker that is gone. Its last bytes are sent before the end of the connection. */
void channel_remove(struct control *control, uint32_t number);
/* Kills workers without a connection: the host that would connect to them is lost. */
void channels_abandon(struct control *control);
/* Reads from workers again when the host has read enough. */
void channels_resume(struct control *control);

#endif
