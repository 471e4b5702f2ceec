/*
 * The host's side of the control connection: finds the host, receives its bytes, and begins and ends
 * sessions.
 *
 * The host comes over a port (link frames) or over vsock (messages). There is at most one session at a time.
 */
#ifndef PROVIUM_CONTROL_PEER_H
#define PROVIUM_CONTROL_PEER_H

#include "admission.h"
#include "queue.h"

/* Connections that have not sent their secret. A further one replaces the oldest, so silent ones block no
 * host. */
enum { CANDIDATES = 8 };

struct peer {
  int port, listener, events;
  struct candidate candidates[CANDIDATES];
  unsigned next_candidate;
  int stream;       /* an accepted connection; -1: none */
  bool quiesced;    /* the last request was QUIESCE: the session ends because of a snapshot */
  struct queue raw; /* bytes of the port */
  struct queue in;  /* messages for control */
};

struct control;

void peer_init(struct control *control);
/* Starts to wait for the host. In a test, `given` is its connection. */
void peer_open(struct control *control, int given, bool given_link);
/* Looks again for the port and for vsock, whose drivers may have been loaded late. */
void peer_find(struct control *control);
/* Returns true while neither the port nor an event that reports it is there, so that peer_find must be
 * repeated. */
bool peer_must_poll(const struct control *control);
/* Handle events of the port, the accepted connection, the listener and a candidate. */
void peer_port_ready(struct control *control);
void peer_stream_ready(struct control *control);
void peer_accept(struct control *control);
void peer_admit(struct control *control, uint32_t index);
/* Handles device events. */
void peer_events_ready(struct control *control);
/* Reports the end of a serving process. */
void peer_send_gone(struct control *control, uint32_t target, int pid, int status);

#endif
