/* The table of jobs: PV_MAX_JOBS entries in shared memory for all serving processes, see process_table.h. */
#ifndef PROVIUM_JOB_TABLE_H
#define PROVIUM_JOB_TABLE_H

#include "handoff.h"
#include "session.h"

/* Returns the shared half of a job. */
struct job_entry *job_entry(const struct session *session, const struct job *job);

/* Returns true while the entry is this job's. A result that has been read makes room for newer jobs of any
 * process. */
bool job_is_kept(const struct session *session, const struct job *job);

/* Returns NULL if the session has no such job, or the job has made room. */
struct job *job_find(struct session *session, uint32_t id);

/*
 * Takes an entry for a new job and gives it a number. If the table is full, the oldest result that has been
 * read makes room. Returns NULL if all entries are running or unread.
 */
struct job *job_claim(struct session *session);

/* Sends a request about the job to control and waits until control has handled it. */
void job_ask(struct session *session, const struct job *job, enum handoff_kind kind);

/* Makes control send a signal to the job's process group, if any process of it is left. */
void job_signal(struct session *session, const struct job *job, uint32_t signal);

/* Notes that the host has read the final result. */
void job_note_read(struct session *session, const struct job *job);

/* Closes the job's files and streams in this process. Idempotent. */
void job_forget(struct job *job);

#endif
