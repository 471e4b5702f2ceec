/* EXEC_FULL and STDIN. */
#include "exec.h"

#include "descriptor.h"
#include "handlers.h"
#include "reply.h"
#include "sys.h"

enum {
  STDOUT,
  STDERR,
  STREAMS,
  READ_SIZE = 65536,
  PIPE_READS = 16, /* times READ_SIZE: 1 MiB, the usual limit of F_SETPIPE_SZ */
  /* How long output is awaited from other processes that hold the pipes after the command has exited. */
  DRAIN_MS = 50,
};

struct exec {
  struct session *session;
  struct exec_output output;
  struct exec_result *result;
  struct process process;
  int pipes[STREAMS]; /* read ends; -1: ended */
  bool abandoned;     /* the host is gone */
  int64_t deadline;   /* of sys_now_ms; negative: none */
};

/* ---- output --------------------------------------------------------------------------------- */

static void exec_close_pipe(struct exec *exec, int stream) {
  if (exec->pipes[stream] >= 0) {
    sys_close(exec->pipes[stream]);
  }
  exec->pipes[stream] = -1;
}

static bool exec_must_stop(const struct exec *exec) { return exec->abandoned || exec->result->refused; }

/* Reads from the pipe directly into the message OUTPUT, so that forwarding copies nothing. */
static long exec_take_piece(struct exec *exec, int stream) {
  struct connection *connection = &exec->session->connection;
  reply_begin(connection, PV_OUTPUT);
  reply_u8(connection, (uint8_t)(stream + 1));
  uint8_t *room = reply_room(connection, READ_SIZE);
  if (room == NULL) {
    return -ENOMEM;
  }
  long got = sys_read(exec->pipes[stream], room, READ_SIZE);
  if (got > 0) {
    struct span bytes = {room, (uint32_t)got};
    exec->result->refused = !exec->output.deliver(exec->session, stream, bytes, exec->output.context);
  }
  return got;
}

/* Reads what the pipe holds now: at most its capacity, because its writer may never stop. */
static void exec_take_output(struct exec *exec, int stream) {
  for (int reads = 0; reads < PIPE_READS && exec->pipes[stream] >= 0 && !exec_must_stop(exec); reads++) {
    long got = exec_take_piece(exec, stream);
    if (got == -ENOMEM) {
      exec->result->refused = true;
    } else if (got == 0 || (got < 0 && got != -EINTR && got != -EAGAIN)) {
      exec_close_pipe(exec, stream);
    } else if (got == -EAGAIN || (got > 0 && got < READ_SIZE)) {
      break; /* a short read has emptied the pipe */
    }
  }
}

/* ---- the loop ------------------------------------------------------------------------------- */

enum { POLL_STDOUT, POLL_STDERR, POLL_PROCESS, POLL_HOST, POLL_COUNT };

static bool exec_output_is_open(const struct exec *exec) {
  return exec->pipes[STDOUT] >= 0 || exec->pipes[STDERR] >= 0;
}

/* Waits at most `timeout_ms` for one event and handles it. */
static void exec_step(struct exec *exec, int64_t timeout_ms) {
  struct connection *connection = &exec->session->connection;
  int watch = exec->process.exited ? -1 : exec->process.watch;
  struct pollfd polls[POLL_COUNT] = {{exec->pipes[STDOUT], POLLIN, 0},
                                     {exec->pipes[STDERR], POLLIN, 0},
                                     {watch, POLLIN, 0},
                                     {connection->fd, connection_poll_events(connection), 0}};
  if (sys_poll(polls, POLL_COUNT, process_poll_limit(&exec->process, timeout_ms)) > 0) {
    for (int stream = 0; stream < STREAMS; stream++) {
      if (polls[stream].revents != 0) {
        exec_take_output(exec, stream);
      }
    }
    if (polls[POLL_HOST].revents != 0 && connection_abandoned(connection, polls[POLL_HOST].revents)) {
      exec->abandoned = true;
    }
  }
  if (watch < 0 || polls[POLL_PROCESS].revents != 0) {
    process_poll(&exec->process);
  }
}

static int64_t exec_time_left(const struct exec *exec) {
  if (exec->deadline < 0) {
    return -1;
  }
  int64_t left = exec->deadline - sys_now_ms();
  return left > 0 ? left : 0;
}

/* Returns true if the command must end now. */
static bool exec_check_end(struct exec *exec) {
  if (session_interrupted(exec->session, INTERRUPT_HOST_LOST)) {
    exec->abandoned = true;
  } else if (session_interrupted(exec->session, INTERRUPT_COMMAND)) {
    exec->result->flags |= PV_DONE_INTERRUPTED;
  } else if (exec->deadline >= 0 && exec_time_left(exec) == 0) {
    exec->result->flags |= PV_DONE_TIMED_OUT;
  }
  return exec_must_stop(exec) || exec->result->flags != 0;
}

/*
 * After the exit: takes everything that is in the pipes, then what comes within a short time. A process that
 * the command has left running may hold the pipes without end.
 */
static void exec_drain(struct exec *exec) {
  exec_take_output(exec, STDOUT);
  exec_take_output(exec, STDERR);
  int64_t end = sys_now_ms() + DRAIN_MS, left = DRAIN_MS;
  while (exec_output_is_open(exec) && left > 0 && !exec_must_stop(exec)) {
    exec_step(exec, left);
    left = end - sys_now_ms();
  }
}

static void exec_wait(struct exec *exec) {
  bool killed = false;
  while (!exec->process.exited) {
    if (!killed && exec_check_end(exec)) {
      process_kill(&exec->process);
      killed = true;
    }
    if (exec_must_stop(exec)) {
      /* The process group is dead and its output is not wanted: only the exit is left to wait for. */
      exec_close_pipe(exec, STDOUT);
      exec_close_pipe(exec, STDERR);
    }
    exec_step(exec, killed ? -1 : exec_time_left(exec));
  }
  exec_drain(exec);
}

/* ---- start and end -------------------------------------------------------------------------- */

static bool exec_open_pipes(struct exec *exec, int ends[STREAMS]) {
  for (int stream = 0; stream < STREAMS; stream++) {
    int pair[2];
    if (sys_pipe(pair, O_CLOEXEC) < 0) {
      return false;
    }
    exec->pipes[stream] = pair[0];
    ends[stream] = pair[1];
    sys_fcntl(pair[0], F_SETFL,
              O_NONBLOCK); /* only the read end: the ends of a pipe are separate open files */
  }
  return true;
}

/* Uses up the bytes of the STDIN requests. */
static int exec_input(struct session *session, const struct exec_request *request) {
  if ((request->flags & PV_EXEC_STDIN) == 0 || session->input < 0) {
    return command_null_input(session->environment);
  }
  int input = session->input;
  session->input = -1;
  sys_lseek(input, 0, SEEK_SET);
  return input;
}

/* Returns 0 or the errno of why the command did not start. */
static int exec_start(struct exec *exec, struct command *command, struct text *failure) {
  int ends[STREAMS] = {-1, -1};
  int error = EMFILE;
  if (exec_open_pipes(exec, ends)) {
    command->output = ends[STDOUT];
    command->error = ends[STDERR];
    error = command_start(exec->session, command, &exec->process, failure);
  } else {
    text_add(failure, "no descriptors left for the command's pipes");
  }
  for (int stream = 0; stream < STREAMS; stream++) {
    if (ends[stream] >= 0) {
      sys_close(ends[stream]);
    }
  }
  return error;
}

int exec_run(struct session *session, const struct exec_request *request, struct exec_output output,
             struct exec_result *result, struct text *failure) {
  struct command command = {0};
  struct exec exec = {.session = session,
                      .output = output,
                      .result = result,
                      .process.watch = -1,
                      .pipes = {-1, -1},
                      .deadline = request->timeout_ms != 0 ? sys_now_ms() + request->timeout_ms : -1};
  *result = (struct exec_result){0};
  if (!command_copy(session, request, &command)) {
    text_add(failure, "no memory for the command");
    return ENOMEM;
  }
  command.input = exec_input(session, request);
  int error = exec_start(&exec, &command, failure);
  descriptor_close(command.input);
  if (error == 0) {
    exec_wait(&exec);
    if (exec_output_is_open(&exec)) {
      result->flags |= PV_DONE_OUTPUT_HELD;
      pipe_owner_find(session->environment, exec.pipes, STREAMS, &result->owner);
    }
    result->status = exec.process.status;
    result->status_unknown = exec.process.status_unknown;
    result->flags |= result->status_unknown ? PV_DONE_STATUS_UNKNOWN : 0;
  }
  exec_close_pipe(&exec, STDOUT);
  exec_close_pipe(&exec, STDERR);
  process_close(&exec.process);
  return error;
}

/* ---- requests ------------------------------------------------------------------------------- */

/* Sends the message that exec_take_piece has begun, which ends with `bytes`. */
static bool exec_forward(struct session *session, int stream, struct span bytes, void *context) {
  (void)stream, (void)context;
  reply_extend(&session->connection, bytes.length);
  return reply_send(&session->connection);
}

void handle_exec_full(struct session *session, const union request *request) {
  struct connection *connection = &session->connection;
  struct text failure = {.length = 0};
  struct exec_result result;
  int error = exec_run(session, &request->exec, (struct exec_output){exec_forward, NULL}, &result, &failure);
  if (error == 0 && result.refused) {
    error = ENOMEM;
    text_add(&failure, "no memory to send the command's output; the command was ended");
  }
  if (error != 0) {
    reply_error(connection, error, failure.data);
    return;
  }
  bool unknown = result.status_unknown;
  reply_begin(connection, PV_EXEC_DONE);
  reply_u32(connection, unknown ? (uint32_t)-1 : (uint32_t)process_exit_code(result.status));
  reply_u32(connection, unknown ? 0 : (uint32_t)process_signal(result.status));
  reply_u32(connection, result.flags);
  reply_u32(connection, (uint32_t)result.owner.pid);
  reply_bytes(connection, result.owner.name, strlen(result.owner.name));
  reply_send(connection);
}

void handle_stdin(struct session *session, const union request *request) {
  struct span bytes = request->bytes;
  if (session->input < 0) {
    session->input = environment_memory_file(session->environment);
  }
  size_t done = 0;
  long put = session->input < 0 ? session->input : 0;
  while (put >= 0 && done < bytes.length) {
    put = sys_write(session->input, bytes.data + done, bytes.length - done);
    put = put == -EINTR ? 0 : put;
    done += put > 0 ? (size_t)put : 0;
  }
  if (put < 0) {
    reply_error(&session->connection, (int)-put, "cannot store the command's standard input");
  } else {
    reply_done(&session->connection, (int64_t)done);
  }
}
