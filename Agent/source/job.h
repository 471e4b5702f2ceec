/* The table of background commands: 128 entries in shared memory for all serving processes, see shared.h. */
#ifndef PROVIUM_JOB_H
#define PROVIUM_JOB_H

#include "agent.h"
#include "internal.h"

/* The shared half of a job. */
struct job_entry *job_entry(const struct agent *agent, const struct job *job);

/* True while the entry is this job's: a result that has been read makes room for anybody's newer jobs. */
bool job_is_kept(const struct agent *agent, const struct job *job);

/* NULL: there is none, or it has made room. */
struct job *job_find(struct agent *agent, uint32_t id);

/*
 * A new job without anything but its number; what has been read longest ago makes room if it must. NULL if
 * all entries are running or unread.
 */
struct job *job_claim(struct agent *agent);

/* Sends a request about it to control, and waits until it has been seen to. */
void job_ask(struct agent *agent, const struct job *job, enum internal_kind kind);

/* Its final result has been asked for. */
void job_note_read(struct agent *agent, const struct job *job);

/* Closes what this process holds of it. */
void job_forget(struct job *job);

#endif
