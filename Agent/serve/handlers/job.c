/* EXEC_ASYNC and JOB_COLLECT: commands in the background. */
#include "job.h"

#include "command.h"
#include "descriptor.h"
#include "handlers.h"
#include "job_table.h"
#include "reply.h"
#include "sys.h"

enum { FOREVER = -1 };

/* ---- start ---------------------------------------------------------------------------------- */

void job_reply_full(struct session *session) {
  struct text full = {.length = 0};
  text_add_number(&full, PV_MAX_JOBS);
  text_add(&full, " jobs are running or unread in the guest; more cannot be kept");
  reply_error(&session->connection, EAGAIN, full.data);
}

void job_reply_started(struct session *session, const struct job *job) {
  reply_begin(&session->connection, PV_JOB_STARTED);
  reply_u32(&session->connection, job->id);
  reply_u32(&session->connection, (uint32_t)job->pid);
  reply_send(&session->connection);
}

/* The pipes of a job's output. Control moves their bytes to files, even while this process is busy. */
struct job_pipes {
  int reads[JOB_STREAMS], writes[JOB_STREAMS];
};

static bool job_pipes_open(struct job_pipes *pipes) {
  *pipes = (struct job_pipes){{-1, -1}, {-1, -1}};
  for (int i = 0; i < JOB_STREAMS; i++) {
    int pair[2];
    if (sys_pipe(pair, O_CLOEXEC) < 0) {
      return false;
    }
    pipes->reads[i] = pair[0];
    pipes->writes[i] = pair[1];
  }
  return true;
}

static void job_pipes_close(struct job_pipes *pipes) {
  for (int i = 0; i < JOB_STREAMS; i++) {
    if (pipes->reads[i] >= 0) {
      sys_close(pipes->reads[i]);
      sys_close(pipes->writes[i]);
    }
  }
}

static int job_announce(struct session *session, const struct job *job, const struct job_pipes *pipes) {
  struct handoff_message message = {
      .kind = HANDOFF_JOB,
      .number = (uint32_t)(job - session->jobs),
      .job = job->id,
      .count = 4,
      .descriptors = {pipes->reads[0], pipes->reads[1], job->files[0], job->files[1]},
  };
  return -handoff_send(session->environment->control, &message);
}

static int job_start(struct session *session, struct job *job, const struct exec_request *request,
                     struct text *failure) {
  struct job_pipes pipes;
  struct process process;
  struct command command = {.input = command_null_input(session->environment),
                            .job = job_entry(session, job)};
  job->files[0] = environment_memory_file(session->environment);
  job->files[1] = environment_memory_file(session->environment);
  int error = command_copy(session, request, &command) ? 0 : ENOMEM;
  error = error == 0 && (job->files[0] < 0 || job->files[1] < 0) ? EMFILE : error;
  error = !job_pipes_open(&pipes) && error == 0 ? EMFILE : error;
  if (error == 0) {
    command.output = pipes.writes[0];
    command.error = pipes.writes[1];
    error = job_announce(session, job, &pipes);
    error = error == 0 ? command_start(session, &command, &process, failure) : error;
  }
  job_pipes_close(&pipes);
  sys_close(command.input);
  if (error == 0) {
    job->pid = process.pid;
    process_close(&process);
  } else if (failure->length == 0) {
    text_add(failure, "cannot start the job: ");
    text_add_errno(failure, error);
  }
  return error;
}

void handle_exec_async(struct session *session, const union request *request) {
  struct connection *connection = &session->connection;
  struct job *job = job_claim(session);
  if (job == NULL) {
    job_reply_full(session);
    return;
  }
  struct text failure = {.length = 0};
  int error = job_start(session, job, &request->exec, &failure);
  if (error != 0) {
    job_ask(session, job, HANDOFF_JOB_FREE);
    job_forget(job);
    reply_error(connection, error, failure.data);
    return;
  }
  job_reply_started(session, job);
}

/* ---- wait ----------------------------------------------------------------------------------- */

void job_update(struct session *session, struct job *job) {
  const struct job_entry *entry = job_entry(session, job);
  job_ask(session, job, HANDOFF_JOB_UPDATE);
  job->finished = entry->ended;
  job->status = (int)entry->status;
  job->truncated = entry->truncated;
  for (int i = 0; i < JOB_STREAMS; i++) {
    long size = sys_lseek(job->files[i], 0, SEEK_END);
    job->sizes[i] = size > 0 ? (uint64_t)size : 0;
  }
}

static bool job_wait_is_interrupted(struct session *session, const struct pollfd *host) {
  return session_interrupted(session, INTERRUPT_CALL | INTERRUPT_COMMAND | INTERRUPT_HOST_LOST) ||
         (host->revents != 0 && connection_abandoned(&session->connection, host->revents));
}

/* Returns 0 when the job has finished or the time is over, EINTR when the wait was interrupted. */
static int job_wait(struct session *session, struct job *job, int64_t timeout_ms) {
  if (job->finished) {
    return 0;
  }
  /* The job may have ended and another process may have its number; the first update then ends the wait. */
  struct process process = {.pid = job->pid, .watch = timeout_ms != 0 ? (int)sys_pidfd_open(job->pid) : -1};
  int64_t end = timeout_ms == FOREVER ? INT64_MAX : sys_now_ms() + timeout_ms;
  int error = 0;
  for (;;) {
    job_update(session, job);
    int64_t left = end - sys_now_ms();
    if (job->finished || left <= 0) {
      break;
    }
    struct pollfd polls[2] = {{process.watch, POLLIN, 0},
                              {session->connection.fd, connection_poll_events(&session->connection), 0}};
    sys_poll(polls, 2, process_poll_limit(&process, timeout_ms == FOREVER ? -1 : left));
    if (job_wait_is_interrupted(session, &polls[1])) {
      error = EINTR;
      break;
    }
  }
  process_close(&process);
  return error;
}

struct job *job_require(struct session *session, uint32_t id) {
  struct job *job = job_find(session, id);
  if (job == NULL) {
    reply_error(&session->connection, ESRCH,
                "not a job of this vm or worker, or it has made room for newer ones");
  }
  return job;
}

struct job *job_await(struct session *session, const struct job_request *request) {
  struct connection *connection = &session->connection;
  struct job *job = job_require(session, request->job);
  if (job == NULL) {
    return NULL;
  }
  bool forever = request->timeout_ms == UINT32_MAX;
  if ((request->flags & PV_COLLECT_KILL) != 0) {
    job_ask(session, job, HANDOFF_JOB_KILL); /* even if the job has ended: its process group may live on */
    forever = true;
  }
  if (job_wait(session, job, forever ? FOREVER : (int64_t)request->timeout_ms) != 0) {
    reply_error(connection, EINTR, "the wait for the job was interrupted");
    return NULL;
  }
  if (job->finished) {
    job_note_read(session, job);
  }
  return job;
}

/* ---- results -------------------------------------------------------------------------------- */

int32_t job_exit_code(const struct job *job) { return job->finished ? process_exit_code(job->status) : -1; }

static void job_send_output(struct session *session, const struct job *job, int stream) {
  struct connection *connection = &session->connection;
  uint64_t at = 0;
  while (at < job->sizes[stream]) {
    uint64_t left = job->sizes[stream] - at;
    size_t size = left < PV_PIECE_SIZE - 1 ? (size_t)left : PV_PIECE_SIZE - 1;
    reply_begin(connection, PV_OUTPUT);
    reply_u8(connection, (uint8_t)(stream + 1));
    uint8_t *room = reply_room(connection, size);
    long got = room != NULL ? sys_pread(job->files[stream], room, size, at) : -ENOMEM;
    if (got <= 0) {
      return;
    }
    reply_extend(connection, (size_t)got);
    at += (uint64_t)got;
    if (!reply_send(connection)) {
      return;
    }
  }
}

void handle_job_collect(struct session *session, const union request *request) {
  struct connection *connection = &session->connection;
  struct job *job = job_await(session, &request->job);
  if (job == NULL) {
    return;
  }
  for (int stream = 0; stream < JOB_STREAMS; stream++) {
    job_send_output(session, job, stream);
  }
  reply_begin(connection, PV_JOB_DONE);
  reply_u8(connection, !job->finished);
  reply_u32(connection, (uint32_t)job_exit_code(job));
  reply_u32(connection, job->finished ? (uint32_t)process_signal(job->status) : 0);
  reply_u32(connection, job->truncated ? PV_JOB_TRUNCATED : 0);
  reply_send(connection);
}
