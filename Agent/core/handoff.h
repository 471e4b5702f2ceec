/*
 * Handoff messages: requests of the serving processes to control, and descriptors in both directions, over a
 * local socket that keeps packets apart. Control answers in the process table, never with a message.
 */
#ifndef PROVIUM_HANDOFF_H
#define PROVIUM_HANDOFF_H

#include <stdint.h>

#define HANDOFF_MAX_DESCRIPTORS 4u

enum handoff_kind {
  HANDOFF_WORKER =
      1, /* number: a new worker; carries the socket over which control sends it its connections */
  /* For jobs: number is the index of the entry, job its id. All but JOB raise `answered`, even for a job that
     is gone. */
  HANDOFF_JOB,        /* a job begins; stdout pipe, stderr pipe, stdout file, stderr file */
  HANDOFF_JOB_UPDATE, /* note whether the job has ended, then bring its files up to date */
  HANDOFF_JOB_KILL,   /* kill the job's process group */
  HANDOFF_JOB_SIGNAL, /* send the signal `value` to the job's process group */
  HANDOFF_JOB_FREE,   /* free the entry: the job failed to start, or its result makes room */
  HANDOFF_CONNECTION, /* control to a worker: its next connection */
  HANDOFF_ENDING,     /* number: a thread worker that ends now */
  HANDOFF_SHARE,      /* main agent to the share process; number: of the share; carries its /dev/fuse */
};

struct handoff_message {
  uint32_t kind, number, job, value, count;
  int descriptors[HANDOFF_MAX_DESCRIPTORS];
};

/* Returns 0 or -errno. The caller keeps its descriptors. */
int handoff_send(int socket, const struct handoff_message *message);
/* Returns 0 or -errno; -EPIPE: the other side is closed; -EINTR: a signal. Received descriptors are
 * close-on-exec; the caller owns them. */
int handoff_receive(int socket, struct handoff_message *message, int flags);

#endif
