/* Waits for jobs; shared by JOB_COLLECT and the requests of the first protocol. */
#ifndef PROVIUM_JOB_H
#define PROVIUM_JOB_H

#include "decode.h"
#include "session.h"

enum { JOB_STREAMS = 2 };

/*
 * Finds the job that a request names, kills it if the request says so, and waits for its end. Returns NULL
 * after it has answered the request with ERROR. A job that still runs when the time is over has `finished`
 * false.
 */
struct job *job_await(struct session *session, const struct job_request *request);

/* Returns the exit code of a finished job, -1 of a running one. */
int32_t job_exit_code(const struct job *job);

#endif
