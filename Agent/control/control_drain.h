/* Moves the output of jobs from their pipes to files in memory, so that no job ever waits for a reader. */
#ifndef PROVIUM_CONTROL_DRAIN_H
#define PROVIUM_CONTROL_DRAIN_H

#include <stdint.h>

enum { DRAIN_STREAMS = 2 };

struct drain {
  int pipes[DRAIN_STREAMS], files[DRAIN_STREAMS]; /* -1: ended */
  uint32_t sizes[DRAIN_STREAMS];                  /* bytes kept, at most PV_MAX_JOB_STREAM */
};

struct control;

void drain_init(struct control *control);
/* Takes over the descriptors of a job: stdout pipe, stderr pipe, stdout file, stderr file. */
void drain_add(struct control *control, uint32_t index, const int descriptors[2 * DRAIN_STREAMS]);
/* Moves what the pipes of a job hold. */
void drain_ready(struct control *control, uint32_t index);
/* Closes the pipes and files of a job. Idempotent. */
void drain_close(struct control *control, uint32_t index);

#endif
