/*
 * Messages from the serving processes to control, and descriptors both ways, over one local socket of
 * packets. Nothing is ever answered here: answers stand in shared memory.
 */
#ifndef PROVIUM_INTERNAL_H
#define PROVIUM_INTERNAL_H

#include <stdint.h>

#define INTERNAL_MAX_DESCRIPTORS 4u

enum internal_kind {
  INTERNAL_WORKER = 1, /* number: the worker; carries the socket over which it is handed its connections */
  /* number: index of a job's entry, job: its id; all but the first raise `answered` there, also when it is
     gone */
  INTERNAL_JOB,        /* begins; stdout pipe, stderr pipe, stdout file, stderr file */
  INTERNAL_JOB_LOOK,   /* note whether it has ended, then bring the files up to date */
  INTERNAL_JOB_KILL,   /* its whole process group */
  INTERNAL_JOB_FREE,   /* it failed to start, or its result makes room: free the entry */
  INTERNAL_CONNECTION, /* control to a worker: its next connection */
};

struct internal_message {
  uint32_t kind, number, job, count;
  int descriptors[INTERNAL_MAX_DESCRIPTORS];
};

/* 0 or -errno. The descriptors stay the caller's. */
int internal_send(int socket, const struct internal_message *message);
/* 0, -errno (-EPIPE: the other side is gone). What arrives is close-on-exec and the caller's. */
int internal_receive(int socket, struct internal_message *message, int flags);

#endif
