/* Jobs; used by JOB_COLLECT, by the PROCESS requests, and by the job requests of the first protocol. */
#ifndef PROVIUM_JOB_H
#define PROVIUM_JOB_H

#include "decode.h"
#include "session.h"

enum { JOB_STREAMS = 2 };

/* Answers with ERROR that the table of jobs is full. */
void job_reply_full(struct session *session);
/* Answers with JOB_STARTED. */
void job_reply_started(struct session *session, const struct job *job);

/* Returns NULL after it has answered with ERROR: the session has no such job. */
struct job *job_require(struct session *session, uint32_t id);

/* Updates `struct job` from the shared table. Afterwards its files have all output so far, and the status of
 * a job that has ended is final. */
void job_update(struct session *session, struct job *job);

/*
 * Finds the job that a request names, kills it if the request says so, and waits for its end. Returns NULL
 * after it has answered the request with ERROR. A job that still runs when the time is over has `finished`
 * false.
 */
struct job *job_await(struct session *session, const struct job_request *request);

/* Returns the exit code of a finished job, -1 of a running one. */
int32_t job_exit_code(const struct job *job);

#endif
