/* Commands in the background: EXEC_ASYNC, JOB_WAIT, JOB_KILL and JOB_COLLECT. */
#include "command.h"
#include "internal.h"
#include "job.h"
#include "sys.h"

enum { STREAMS = 2, FOREVER = -1 };

/* ---- start ---------------------------------------------------------------------------------- */

/* Its output goes through pipes that control empties into files, whatever the owner is busy with. */
struct job_pipes {
  int reads[STREAMS], writes[STREAMS];
};

static bool job_pipes_open(struct job_pipes *pipes) {
  *pipes = (struct job_pipes){{-1, -1}, {-1, -1}};
  for (int i = 0; i < STREAMS; i++) {
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
  for (int i = 0; i < STREAMS; i++) {
    if (pipes->reads[i] >= 0) {
      sys_close(pipes->reads[i]);
      sys_close(pipes->writes[i]);
    }
  }
}

static int job_announce(struct agent *agent, const struct job *job, const struct job_pipes *pipes) {
  struct internal_message message = {
      .kind = INTERNAL_JOB,
      .number = (uint32_t)(job - agent->jobs),
      .job = job->id,
      .count = 4,
      .descriptors = {pipes->reads[0], pipes->reads[1], job->files[0], job->files[1]},
  };
  return -internal_send(agent->guest->control, &message);
}

static int job_start(struct agent *agent, struct job *job, const struct exec_request *request,
                     struct text *failure) {
  size_t used = 0;
  struct job_pipes pipes;
  struct process process;
  struct command command = {.input = command_null_input(agent->guest), .job = job_entry(agent, job)};
  job->files[0] = guest_memory_file(agent->guest);
  job->files[1] = guest_memory_file(agent->guest);
  if (buffer_reserve(&agent->arena, (size_t)request->command.length + 65536) == 0) {
    command.environment = command_environment(agent, request, &used);
    command.line = agent_copy_string(agent, request->command, &used);
  }
  int error = command.environment == NULL || command.line == NULL ? ENOMEM : 0;
  error = error == 0 && (job->files[0] < 0 || job->files[1] < 0) ? EMFILE : error;
  error = !job_pipes_open(&pipes) && error == 0 ? EMFILE : error;
  if (error == 0) {
    command.output = pipes.writes[0];
    command.error = pipes.writes[1];
    error = job_announce(agent, job, &pipes);
    error = error == 0 ? command_start(agent, &command, &process, failure) : error;
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

void handle_exec_async(struct agent *agent, struct span payload) {
  struct connection *connection = &agent->connection;
  struct exec_request request;
  if (decode_exec(PV_EXEC_ASYNC, payload, &request) != 0) {
    reply_error(connection, EINVAL, "malformed exec request");
    return;
  }
  struct job *job = job_claim(agent);
  if (job == NULL) {
    struct text full = {.length = 0};
    text_add_number(&full, PV_MAX_JOBS);
    text_add(&full, " jobs are running or unread in the guest; more cannot be kept");
    reply_error(connection, EAGAIN, full.data);
    return;
  }
  struct text failure = {.length = 0};
  int error = job_start(agent, job, &request, &failure);
  if (error != 0) {
    job_ask(agent, job, INTERNAL_JOB_FREE);
    job_forget(job);
    reply_error(connection, error, failure.data);
    return;
  }
  reply_begin(connection, PV_JOB_STARTED);
  reply_u32(connection, job->id);
  reply_u32(connection, (uint32_t)job->pid);
  reply_send(connection);
}

/* ---- wait ----------------------------------------------------------------------------------- */

static void job_measure(struct job *job) {
  for (int i = 0; i < STREAMS; i++) {
    long size = sys_lseek(job->files[i], 0, SEEK_END);
    job->sizes[i] = size > 0 ? (uint64_t)size : 0;
  }
}

/* How far it has come: everything that it has printed is in its files, and if it has ended, that is final. */
static void job_look(struct agent *agent, struct job *job) {
  const struct job_entry *entry = job_entry(agent, job);
  job_ask(agent, job, INTERNAL_JOB_LOOK);
  job->finished = entry->ended;
  job->status = (int)entry->status;
  job->truncated = entry->truncated;
  job_measure(job);
}

static bool job_wait_ended(struct agent *agent, struct pollfd *host) {
  return agent_interrupted(agent, INTERRUPT_CALL | INTERRUPT_COMMAND | INTERRUPT_HOST_LOST) ||
         (host->revents != 0 && connection_abandoned(&agent->connection, host->revents));
}

/* 0 when it has finished or the time is over, EINTR when the wait was ended. */
static int job_wait(struct agent *agent, struct job *job, int64_t timeout_ms) {
  if (job->finished) {
    return 0;
  }
  /* Should it be gone already, and the number somebody else's, the first look ends this. */
  struct process process = {.pid = job->pid, .watch = timeout_ms != 0 ? (int)sys_pidfd_open(job->pid) : -1};
  int64_t end = timeout_ms == FOREVER ? INT64_MAX : sys_now_ms() + timeout_ms;
  int error = 0;
  for (;;) {
    job_look(agent, job);
    int64_t left = end - sys_now_ms();
    if (job->finished || left <= 0) {
      break;
    }
    struct pollfd polls[2] = {{process.watch, POLLIN, 0},
                              {agent->connection.fd, connection_watch(&agent->connection), 0}};
    sys_poll(polls, 2, process_poll_limit(&process, timeout_ms == FOREVER ? -1 : left));
    if (job_wait_ended(agent, &polls[1])) {
      error = EINTR;
      break;
    }
  }
  process_close(&process);
  return error;
}

static int64_t wire_timeout(uint32_t timeout_ms) {
  return timeout_ms == UINT32_MAX ? FOREVER : (int64_t)timeout_ms;
}

/* The job that a request names, waited for; NULL when the request has been answered. */
static struct job *job_requested(struct agent *agent, uint8_t type, struct span payload) {
  struct connection *connection = &agent->connection;
  struct job_request request;
  if (decode_job(type, payload, &request) != 0) {
    reply_error(connection, EINVAL, "malformed job request");
    return NULL;
  }
  struct job *job = job_find(agent, request.job);
  if (job == NULL) {
    reply_error(connection, ESRCH, "not a job of this vm or worker, or it has made room for newer ones");
    return NULL;
  }
  bool kill = type == PV_JOB_KILL || (request.flags & PV_COLLECT_KILL) != 0;
  if (kill) {
    job_ask(agent, job, INTERNAL_JOB_KILL); /* the group may live on without its leader */
  }
  if (job_wait(agent, job, kill ? FOREVER : wire_timeout(request.timeout_ms)) != 0) {
    reply_error(connection, EINTR, "the wait for the job was interrupted");
    return NULL;
  }
  if (job->finished) {
    job_note_read(agent, job);
  }
  return job;
}

/* ---- replies -------------------------------------------------------------------------------- */

static void reply_job_output(struct agent *agent, const struct job *job, int stream) {
  struct connection *connection = &agent->connection;
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

static void reply_job_result(struct agent *agent, const struct job *job) {
  struct connection *connection = &agent->connection;
  if (job->sizes[0] + job->sizes[1] > PV_MAX_PAYLOAD - 13) {
    reply_error(connection, EFBIG, "the job's output is larger than one message; JOB_COLLECT streams it");
    return;
  }
  reply_begin(connection, PV_JOB_RESULT);
  reply_u8(connection, !job->finished);
  reply_u32(connection, job->finished ? (uint32_t)status_exit_code(job->status) : (uint32_t)-1);
  for (int i = 0; i < STREAMS; i++) {
    size_t size = (size_t)job->sizes[i];
    reply_u32(connection, (uint32_t)size);
    uint8_t *room = reply_room(connection, size);
    size_t done = 0;
    long got = 1;
    while (room != NULL && done < size && got > 0) {
      got = sys_pread(job->files[i], room + done, size - done, done);
      done += got > 0 ? (size_t)got : 0;
    }
    if (done == size) {
      reply_extend(connection, size);
    } else {
      connection->out_failed = true;
    }
  }
  reply_send(connection);
}

void handle_job_wait(struct agent *agent, struct span payload) {
  struct job *job = job_requested(agent, PV_JOB_WAIT, payload);
  if (job != NULL) {
    reply_job_result(agent, job);
  }
}

void handle_job_kill(struct agent *agent, struct span payload) {
  struct job *job = job_requested(agent, PV_JOB_KILL, payload);
  if (job != NULL) {
    reply_job_result(agent, job);
  }
}

void handle_job_collect(struct agent *agent, struct span payload) {
  struct job *job = job_requested(agent, PV_JOB_COLLECT, payload);
  if (job == NULL) {
    return;
  }
  struct connection *connection = &agent->connection;
  reply_job_output(agent, job, 0);
  reply_job_output(agent, job, 1);
  reply_begin(connection, PV_JOB_DONE);
  reply_u8(connection, !job->finished);
  reply_u32(connection, job->finished ? (uint32_t)status_exit_code(job->status) : (uint32_t)-1);
  reply_u32(connection, job->finished ? (uint32_t)status_signal(job->status) : 0);
  reply_u32(connection, job->truncated ? PV_JOB_TRUNCATED : 0);
  reply_send(connection);
}
