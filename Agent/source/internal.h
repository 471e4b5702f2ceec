/*
 * Messages from the serving processes to control, and descriptors both ways, over one local socket of packets.
 * Nothing is ever answered here: answers stand in shared memory.
 */
#ifndef PROVIUM_INTERNAL_H
#define PROVIUM_INTERNAL_H

#include <stdint.h>

#define INTERNAL_MAX_DESCRIPTORS 4u

enum internal_kind {
  INTERNAL_WORKER = 1, /* number: the worker; carries the socket over which it is handed its connections */
  INTERNAL_JOB,        /* number: index of its entry; stdout pipe, stderr pipe, stdout file, stderr file */
  INTERNAL_FLUSH,      /* number: index of its entry: bring the files up to date, then raise flush_done */
  INTERNAL_CONNECTION, /* control to a worker: its next connection */
};

struct internal_message {
  uint32_t kind, number, count;
  int descriptors[INTERNAL_MAX_DESCRIPTORS];
};

/* 0 or -errno. The descriptors stay the caller's. */
int internal_send(int socket, const struct internal_message *message);
/* 0, -errno (-EPIPE: the other side is gone). What arrives is close-on-exec and the caller's. */
int internal_receive(int socket, struct internal_message *message, int flags);

#endif
