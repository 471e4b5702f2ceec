/*
 * PROCESS_START and its companions: processes whose streams the host reads and writes while they run.
 *
 * A process is a job without files: its pipes or its terminal stay with the serving process, and only a
 * request moves their bytes. A stream that the host does not read fills up and stops the process that writes
 * to it; it costs the connection and the host nothing.
 */
#include "command.h"
#include "descriptor.h"
#include "handlers.h"
#include "job.h"
#include "job_table.h"
#include "reply.h"
#include "sys.h"
#include "terminal.h"

enum {
  STDIN,
  STDOUT,
  STDERR,
  STREAMS,
  PIPE_SIZE = 1 << 20,
  /* How long output is awaited from other processes that hold the streams after the process has exited. */
  DRAIN_MS = 50,
  /* Every reason ends the wait of a read or write: the host asks again for what is left. */
  STREAM_INTERRUPTS = INTERRUPT_CALL | INTERRUPT_COMMAND | INTERRUPT_HOST_LOST,
};

/* ---- start ---------------------------------------------------------------------------------- */

/* The ends that the process gets, for its descriptors 0, 1 and 2. */
struct process_ends {
  int theirs[STREAMS];
};

static void process_close_ends(struct process_ends *ends) {
  for (int i = 0; i < STREAMS; i++) {
    if (ends->theirs[i] >= 0) {
      sys_close(ends->theirs[i]);
    }
  }
}

/* Our ends do not block: nothing that the process does may keep this process from its next request. */
static int process_keep_end(int fd) {
  sys_fcntl(fd, F_SETFL, O_NONBLOCK | (int)(sys_fcntl(fd, F_GETFL, 0) & O_ACCMODE));
  return descriptor_hide(fd);
}

static int process_open_pipes(struct job *job, struct process_ends *ends) {
  for (int i = 0; i < STREAMS; i++) {
    int pair[2];
    long result = sys_pipe(pair, O_CLOEXEC);
    if (result < 0) {
      return (int)-result;
    }
    int ours = i == STDIN ? 1 : 0;
    job->streams[i] = process_keep_end(pair[ours]);
    ends->theirs[i] = pair[1 - ours];
    sys_fcntl(ends->theirs[i], F_SETPIPE_SZ, PIPE_SIZE); /* fails for users whose limit is reached */
  }
  return 0;
}

static int process_open_terminal(struct job *job, struct process_ends *ends,
                                 const struct process_start_request *request) {
  struct terminal terminal;
  int result = terminal_open(&terminal, request->columns, request->rows);
  if (result < 0) {
    return -result;
  }
  job->is_terminal = true;
  ends->theirs[STDIN] = terminal.slave;
  job->streams[STDOUT] = descriptor_hide(terminal.master);
  job->streams[STDIN] = descriptor_hide((int)sys_fcntl(job->streams[STDOUT], F_DUPFD_CLOEXEC, 3));
  return job->streams[STDIN] < 0 ? -job->streams[STDIN] : 0;
}

static int process_start(struct session *session, struct job *job,
                         const struct process_start_request *request, struct text *failure) {
  struct process_ends ends = {{-1, -1, -1}};
  struct process process;
  struct command command = {.job = job_entry(session, job), .terminal = request->terminal};
  int error = command_copy(session, &request->exec, &command) ? 0 : ENOMEM;
  if (error == 0 && request->terminal) {
    error = process_open_terminal(job, &ends, request);
    command.input = command.output = command.error = ends.theirs[STDIN];
    if (error != 0) {
      text_add(failure, "cannot open a pseudo-terminal in the guest: ");
      text_add_errno(failure, error);
    }
  } else if (error == 0) {
    error = process_open_pipes(job, &ends);
    command.input = ends.theirs[STDIN];
    command.output = ends.theirs[STDOUT];
    command.error = ends.theirs[STDERR];
  }
  error = error == 0 ? command_start(session, &command, &process, failure) : error;
  process_close_ends(&ends);
  if (error == 0) {
    job->pid = process.pid;
    process_close(&process);
  } else if (failure->length == 0) {
    text_add(failure, "cannot start the process: ");
    text_add_errno(failure, error);
  }
  return error;
}

void handle_process_start(struct session *session, const union request *request) {
  struct job *job = job_claim(session);
  if (job == NULL) {
    job_reply_full(session);
    return;
  }
  struct text failure = {.length = 0};
  int error = process_start(session, job, &request->start, &failure);
  if (error != 0) {
    job_ask(session, job, HANDOFF_JOB_FREE);
    job_forget(job);
    reply_error(&session->connection, error, failure.data);
    return;
  }
  job_reply_started(session, job);
}

/* ---- read ----------------------------------------------------------------------------------- */

struct process_reading {
  struct session *session;
  struct job *job;
  uint32_t streams; /* PV_STREAM_* that are read */
  uint32_t left;    /* bytes that may still be sent */
  bool sent;        /* something has been sent */
  bool failed;      /* the host cannot be reached */
};

static void process_close_stream(struct job *job, int stream) {
  descriptor_close(job->streams[stream]);
  job->streams[stream] = -1;
}

/* Returns the descriptor of a stream that is read and open, else -1. */
static int process_source(const struct process_reading *reading, int stream) {
  bool wanted = (reading->streams & (1u << (stream - STDOUT))) != 0;
  return wanted ? reading->job->streams[stream] : -1;
}

/*
 * Sends what one read of a stream returns. Returns false when there is nothing to send. The read takes as
 * much as a pipe holds: each read from a full pipe wakes its writer, and on one processor each change between
 * the two costs more than copying a page.
 */
static bool process_forward(struct process_reading *reading, int stream) {
  struct connection *connection = &reading->session->connection;
  int fd = process_source(reading, stream);
  if (fd < 0 || reading->left == 0 || reading->failed) {
    return false;
  }
  struct reply_pieces pieces;
  bool has_room = reply_pieces_begin(connection, &pieces, reading->left);
  long got = has_room ? sys_readv(fd, pieces.parts, pieces.count) : -ENOMEM;
  if (got > 0) {
    reading->left -= (uint32_t)got;
    reading->sent = true;
    reading->failed = !reply_pieces_send(connection, &pieces, PV_OUTPUT, (uint8_t)stream, (size_t)got);
  } else if (got == 0 || (got != -EAGAIN && got != -EINTR && got != -ENOMEM)) {
    process_close_stream(reading->job, stream); /* of a terminal: EIO, when no process has it open */
  } else if (got == -ENOMEM) {
    reading->failed = true;
  }
  return got > 0;
}

/*
 * Sends what the streams hold. Takes turns, so that a flood on one stream does not hold the other one back. A
 * process that writes without a pause never empties its streams, so the time and an interruption are checked
 * in between.
 */
static void process_forward_all(struct process_reading *reading, int64_t end) {
  while (process_forward(reading, STDOUT) | process_forward(reading, STDERR)) {
    if (session_interrupted(reading->session, STREAM_INTERRUPTS) || sys_now_ms() >= end) {
      break;
    }
  }
}

static bool process_has_source(const struct process_reading *reading) {
  return process_source(reading, STDOUT) >= 0 || process_source(reading, STDERR) >= 0;
}

static bool process_read_is_over(struct process_reading *reading, bool follow) {
  if (reading->failed || (reading->sent && (!follow || reading->left == 0))) {
    return true;
  }
  return reading->streams != 0 ? !process_has_source(reading) : reading->job->finished;
}

/*
 * Returns whether control must be asked for the end of the process, which costs two changes of process.
 * `watch` was opened before: as long as the entry has the pid, control has not reaped the process, and the
 * number is not another one's.
 */
static bool process_may_have_ended(const struct session *session, const struct job *job, int watch) {
  const struct job_entry *entry = job_entry(session, job);
  struct pollfd poll = {watch, POLLIN, 0};
  return watch < 0 || entry->ended || entry->pid <= 0 || sys_poll(&poll, 1, 0) != 0;
}

static void process_read(struct process_reading *reading, const struct process_request *request) {
  struct session *session = reading->session;
  struct job *job = reading->job;
  bool follow = (request->flags & PV_PROCESS_FOLLOW) != 0;
  struct process process = {.pid = job->pid, .watch = job->finished ? -1 : (int)sys_pidfd_open(job->pid)};
  bool forever = request->timeout_ms == UINT32_MAX;
  int64_t end = forever ? INT64_MAX : sys_now_ms() + request->timeout_ms;
  for (;;) {
    bool was_finished = job->finished;
    if (!job->finished && process_may_have_ended(session, job, process.watch)) {
      job_update(session, job); /* first: a process that has ended has written all its output */
    }
    process.exited = job->finished;
    process_forward_all(reading, follow ? end : INT64_MAX);
    if (job->finished && !was_finished) {
      int64_t drained = sys_now_ms() + DRAIN_MS;
      end = end < drained ? end : drained;
      forever = false;
    }
    int64_t left = end - sys_now_ms();
    if (process_read_is_over(reading, follow) || left <= 0) {
      break;
    }
    struct pollfd polls[4] = {{process_source(reading, STDOUT), POLLIN, 0},
                              {process_source(reading, STDERR), POLLIN, 0},
                              {job->finished ? -1 : process.watch, POLLIN, 0},
                              {session->connection.fd, connection_poll_events(&session->connection), 0}};
    sys_poll(polls, 4, process_poll_limit(&process, forever ? -1 : left));
    if (session_interrupted(session, STREAM_INTERRUPTS) ||
        (polls[3].revents != 0 && connection_abandoned(&session->connection, polls[3].revents))) {
      break;
    }
  }
  process_close(&process);
}

static void process_reply_state(struct session *session, struct job *job) {
  struct connection *connection = &session->connection;
  uint32_t open = 0;
  open |= job->streams[STDIN] >= 0 ? PV_STREAM_INPUT : 0;
  open |= job->streams[STDOUT] >= 0 ? PV_STREAM_OUTPUT : 0;
  open |= job->streams[STDERR] >= 0 ? PV_STREAM_ERROR : 0;
  reply_begin(connection, PV_PROCESS_STATE);
  reply_u8(connection, !job->finished);
  reply_u32(connection, (uint32_t)job_exit_code(job));
  reply_u32(connection, job->finished ? (uint32_t)process_signal(job->status) : 0);
  reply_u32(connection, open);
  if (reply_send(connection) && job->finished && (open & ~(uint32_t)PV_STREAM_INPUT) == 0) {
    job_note_read(session, job);
  }
}

void handle_process_read(struct session *session, const union request *request) {
  struct job *job = job_require(session, request->process.job);
  if (job == NULL) {
    return;
  }
  struct process_reading reading = {
      .session = session, .job = job, .streams = request->process.streams, .left = request->process.limit};
  process_read(&reading, &request->process);
  process_reply_state(session, job);
}

/* ---- write ---------------------------------------------------------------------------------- */

/* Writes what the process takes within the time. Returns 0 or an errno; *done counts the bytes. */
static int process_write(struct session *session, struct job *job, const struct process_request *request,
                         size_t *done) {
  int64_t end = sys_now_ms() + request->timeout_ms;
  struct span data = request->data;
  while (*done < data.length) {
    long put = sys_write(job->streams[STDIN], data.data + *done, data.length - *done);
    if (put > 0) {
      *done += (size_t)put;
    } else if (put == -EAGAIN) {
      int64_t left = end - sys_now_ms();
      /* The host is not polled: connection_abandoned may move the bytes that `data` points to. */
      struct pollfd poll = {job->streams[STDIN], POLLOUT, 0};
      if (left <= 0 || sys_poll(&poll, 1, left) == 0 || session_interrupted(session, STREAM_INTERRUPTS)) {
        return 0;
      }
    } else if (put != -EINTR) {
      return put == 0 ? EIO : (int)-put;
    }
  }
  return 0;
}

void handle_process_write(struct session *session, const union request *request) {
  struct connection *connection = &session->connection;
  const struct process_request *process = &request->process;
  struct job *job = job_require(session, process->job);
  if (job == NULL) {
    return;
  }
  bool must_close = (process->flags & PV_PROCESS_CLOSE) != 0;
  if (must_close && job->is_terminal) {
    reply_error(connection, EINVAL, "the input of a terminal cannot be closed alone; Ctrl-D ends it");
    return;
  }
  if (job->streams[STDIN] < 0) {
    if (must_close && process->data.length == 0) {
      reply_done(connection, 0);
    } else {
      reply_error(connection, EPIPE, "the standard input of the process is closed");
    }
    return;
  }
  size_t done = 0;
  int error = process_write(session, job, process, &done);
  if (error != 0) {
    if (!job->is_terminal) {
      process_close_stream(job, STDIN);
    }
    reply_error(connection, error, "the process has closed its standard input, or has ended");
    return;
  }
  if (must_close && done == process->data.length) {
    process_close_stream(job, STDIN);
  }
  reply_done(connection, (int64_t)done);
}

/* ---- signals, size, end --------------------------------------------------------------------- */

void handle_process_signal(struct session *session, const union request *request) {
  struct job *job = job_require(session, request->process.job);
  if (job == NULL) {
    return;
  }
  uint32_t signal = request->process.signal;
  /* Those that the keys of a terminal send are for the foreground of the terminal. */
  if (!job->is_terminal || job->streams[STDIN] < 0 || terminal_signal(job->streams[STDIN], signal) < 0) {
    job_signal(session, job, signal);
  }
  reply_done(&session->connection, 0);
}

void handle_process_resize(struct session *session, const union request *request) {
  struct job *job = job_require(session, request->process.job);
  if (job == NULL) {
    return;
  }
  int error = job->is_terminal && job->streams[STDIN] >= 0
                  ? terminal_resize(job->streams[STDIN], request->process.columns, request->process.rows)
                  : -ENOTTY;
  if (error < 0) {
    reply_error(&session->connection, -error, "the process has no terminal");
  } else {
    reply_done(&session->connection, 0);
  }
}

void handle_process_end(struct session *session, const union request *request) {
  struct job *job = job_require(session, request->process.job);
  if (job == NULL) {
    return;
  }
  job_ask(session, job, HANDOFF_JOB_KILL); /* even if the process has ended: its group may live on */
  job_ask(session, job, HANDOFF_JOB_FREE);
  job_forget(job);
  reply_done(&session->connection, 0);
}
