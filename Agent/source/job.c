/* Commands in the background: EXEC_ASYNC, JOB_WAIT, JOB_KILL and JOB_COLLECT. */
#include <linux/futex.h>

#include "command.h"
#include "descriptor.h"
#include "internal.h"
#include "sys.h"

enum { STREAMS = 2, FLUSH_WAIT_MS = 1000, FOREVER = -1 };

static struct job_entry *job_entry(const struct agent *agent, const struct job *job) {
  return &agent->guest->shared->jobs[job - agent->jobs];
}

static struct job *job_find(struct agent *agent, uint32_t id) {
  for (uint32_t i = 0; id != 0 && i < SHARED_MAX_JOBS; i++) {
    if (agent->jobs[i].id == id) {
      return &agent->jobs[i];
    }
  }
  return NULL;
}

/* ---- the table ------------------------------------------------------------------------------ */

static void job_free(struct agent *agent, struct job *job) {
  descriptor_close(job->files[0]);
  descriptor_close(job->files[1]);
  job->id = 0;
  job_entry(agent, job)->id = 0;
}

/* The oldest result that has been read at least once. */
static struct job *job_oldest_collected(struct agent *agent) {
  struct job *oldest = NULL;
  for (uint32_t i = 0; i < SHARED_MAX_JOBS; i++) {
    struct job *job = &agent->jobs[i];
    if (job->id != 0 && job->finished && job->collected && (oldest == NULL || job->id < oldest->id)) {
      oldest = job;
    }
  }
  return oldest;
}

static struct job *job_claim_free(struct agent *agent) {
  for (uint32_t i = 0; i < SHARED_MAX_JOBS; i++) {
    uint32_t expected = 0;
    struct job_entry *entry = &agent->guest->shared->jobs[i];
    /* Other processes look for a free entry at the same time. */
    if (atomic_compare_exchange_strong(&entry->id, &expected, UINT32_MAX)) {
      entry->owner = agent->number;
      entry->pid = 0;
      entry->reaped = 1; /* nothing to end yet */
      entry->flush_asked = entry->flush_done = 0;
      return &agent->jobs[i];
    }
  }
  return NULL;
}

/* A free place in the table, claimed in shared memory; NULL if 128 jobs wait to be read. */
static struct job *job_claim(struct agent *agent) {
  struct job *job = job_claim_free(agent);
  if (job == NULL && (job = job_oldest_collected(agent)) != NULL) {
    job_free(agent, job);
    job = job_claim_free(agent);
  }
  return job;
}

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
  struct internal_message message = {INTERNAL_JOB, (uint32_t)(job - agent->jobs), 4,
                                     {pipes->reads[0], pipes->reads[1], job->files[0], job->files[1]}};
  return -internal_send(agent->guest->control, &message);
}

static int job_start(struct agent *agent, struct job *job, const struct exec_request *request, struct text *failure) {
  size_t used = 0;
  struct job_pipes pipes;
  struct process process;
  struct job_entry *entry = job_entry(agent, job);
  struct command command = {.input = command_null_input(agent->guest)};
  *job = (struct job){.files = {guest_memory_file(agent->guest), guest_memory_file(agent->guest)}};
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
    entry->pid = process.pid;
    entry->reaped = 0;
    job->id = 1 + atomic_fetch_add(&agent->guest->shared->next_job, 1);
    entry->id = job->id;
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
    reply_error(connection, EAGAIN, "there are 128 jobs that nobody has collected");
    return;
  }
  struct text failure = {.length = 0};
  int error = job_start(agent, job, &request, &failure);
  if (error != 0) {
    job_free(agent, job);
    reply_error(connection, error, failure.data);
    return;
  }
  reply_begin(connection, PV_JOB_STARTED);
  reply_u32(connection, job->id);
  reply_u32(connection, (uint32_t)job->pid);
  reply_send(connection);
}

/* ---- wait ----------------------------------------------------------------------------------- */

/* Lets control empty the pipes, so that everything the job has printed is in its files. */
static void job_flush(struct agent *agent, struct job *job) {
  struct job_entry *entry = job_entry(agent, job);
  uint32_t asked = ++entry->flush_asked;
  struct internal_message message = {INTERNAL_FLUSH, (uint32_t)(job - agent->jobs), 0, {0}};
  int64_t end = sys_now_ms() + FLUSH_WAIT_MS;
  if (internal_send(agent->guest->control, &message) != 0) {
    return;
  }
  for (uint32_t done; (done = entry->flush_done) != asked && sys_now_ms() < end;) {
    struct timespec limit = {0, 100000000};
    if (sys_call4(SYS_futex, &entry->flush_done, FUTEX_WAIT, done, &limit) == -ENOSYS) {
      sys_sleep_ms(1);
    }
  }
}

static void job_measure(struct job *job) {
  for (int i = 0; i < STREAMS; i++) {
    long size = sys_lseek(job->files[i], 0, SEEK_END);
    job->sizes[i] = size > 0 ? (uint64_t)size : 0;
  }
}

static void job_finish(struct agent *agent, struct job *job, const struct process *process) {
  job_entry(agent, job)->reaped = 1;
  job->status = process->status;
  job_flush(agent, job);
  job_measure(job);
  job->finished = true;
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
  struct process process = {.pid = job->pid, .watch = -1};
  int64_t end = timeout_ms == FOREVER ? INT64_MAX : sys_now_ms() + timeout_ms;
  int error = 0;
  if (timeout_ms != 0 && !process_poll(&process)) {
    process.watch = (int)sys_pidfd_open(job->pid);
  }
  while (!process_poll(&process)) {
    struct pollfd polls[2] = {{process.watch, POLLIN, 0},
                              {agent->connection.fd, connection_watch(&agent->connection), 0}};
    int64_t left = end - sys_now_ms();
    if (left <= 0) {
      break;
    }
    sys_poll(polls, 2, process_poll_limit(&process, timeout_ms == FOREVER ? -1 : left));
    if (job_wait_ended(agent, &polls[1])) {
      error = EINTR;
      break;
    }
  }
  process_close(&process);
  if (process.exited) {
    job_finish(agent, job, &process);
  } else {
    job_flush(agent, job);
    job_measure(job);
  }
  return error;
}

static int64_t wire_timeout(uint32_t timeout_ms) { return timeout_ms == UINT32_MAX ? FOREVER : (int64_t)timeout_ms; }

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
    reply_error(connection, ESRCH, "not a job of this vm or worker");
    return NULL;
  }
  bool kill = type == PV_JOB_KILL || (request.flags & PV_COLLECT_KILL) != 0;
  if (kill) {
    /* The group may live on without its leader; a group's number is not given away as long as it has members. */
    sys_kill(-job->pid, SIGKILL);
  }
  if (job_wait(agent, job, kill ? FOREVER : wire_timeout(request.timeout_ms)) != 0) {
    reply_error(connection, EINTR, "the wait for the job was interrupted");
    return NULL;
  }
  job->collected = job->collected || job->finished;
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
  reply_send(connection);
}
