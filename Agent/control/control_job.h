/*
 * The processes of jobs. A job's shell is a child of control (CLONE_PARENT). Control reaps it only when its
 * process group is empty: until then the group can be killed at any time and its number means no other group,
 * even after the shell and the process that started the job have ended.
 */
#ifndef PROVIUM_CONTROL_JOB_H
#define PROVIUM_CONTROL_JOB_H

#include <stdbool.h>
#include <stdint.h>

#include "handoff.h"
#include "provium_wire.h"

struct job_state {
  bool killed;  /* the process group has been killed */
  bool leaving; /* the entry is freed as soon as the shell can be reaped */
};

/*
 * Shells whose entries have been freed and that control has yet to reap: a killed process needs processor
 * time to die. Their number is limited, because a process that waits for a device does not die.
 */
struct dying_shells {
  int pids[PV_MAX_JOBS];
  uint32_t count;
};

struct control;

/* Handles JOB_UPDATE, JOB_KILL, JOB_SIGNAL and JOB_FREE. */
void job_handle(struct control *control, const struct handoff_message *message);
/* Kills and frees all jobs of a serving process that is gone. */
void jobs_end(struct control *control, uint32_t owner);
/* Notes the end of jobs, after a child of control has ended. */
void jobs_update(struct control *control);
/* Notes that a child was reaped that died before it led its own process group. */
void jobs_note_reaped(struct control *control, int pid, int status);

#endif
