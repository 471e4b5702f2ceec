/* A command run to its end, its output sent on as it comes: EXEC, EXEC_FULL and STDIN. */
#include "command.h"
#include "descriptor.h"
#include "holder.h"
#include "sys.h"

enum {
  STDOUT,
  STDERR,
  STREAMS,
  READ_SIZE = 65536,
  PIPE_READS = 16, /* times READ_SIZE: 1 MiB, the usual limit of F_SETPIPE_SZ */
  /* What somebody else may still print through pipes that the command has left behind. */
  DRAIN_MS = 50,
};

struct execution {
  struct agent *agent;
  struct process process;
  int pipes[STREAMS]; /* read ends; -1: ended */
  bool capture;       /* collect in agent->capture instead of sending pieces */
  size_t captured[STREAMS];
  bool too_large, abandoned;
  uint32_t done_flags;
  int64_t deadline; /* of sys_now_ms; negative: none */
};

/* ---- output --------------------------------------------------------------------------------- */

static void close_pipe(struct execution *execution, int stream) {
  if (execution->pipes[stream] >= 0) {
    sys_close(execution->pipes[stream]);
  }
  execution->pipes[stream] = -1;
}

/* Straight from the pipe into the reply. */
static long forward_piece(struct execution *execution, int stream) {
  struct connection *connection = &execution->agent->connection;
  reply_begin(connection, PV_OUTPUT);
  reply_u8(connection, (uint8_t)(stream + 1));
  uint8_t *room = reply_room(connection, READ_SIZE);
  if (room == NULL) {
    return -ENOMEM;
  }
  long got = sys_read(execution->pipes[stream], room, READ_SIZE);
  if (got > 0) {
    reply_extend(connection, (size_t)got);
    execution->abandoned = !reply_send(connection);
  }
  return got;
}

static long capture_piece(struct execution *execution, int stream) {
  struct buffer *buffer = &execution->agent->capture[stream];
  size_t *length = &execution->captured[stream];
  if (buffer_reserve(buffer, *length + READ_SIZE) != 0) {
    return -ENOMEM;
  }
  long got = sys_read(execution->pipes[stream], buffer->data + *length, READ_SIZE);
  if (got > 0) {
    *length += (size_t)got;
    execution->too_large = execution->captured[STDOUT] + execution->captured[STDERR] > PV_MAX_PAYLOAD - 12;
  }
  return got;
}

static bool must_stop(const struct execution *execution) {
  return execution->abandoned || execution->too_large;
}

/* Takes what one pipe holds: as much as one can hold, not what its writer may add for ever. */
static void take_output(struct execution *execution, int stream) {
  for (int reads = 0; reads < PIPE_READS && execution->pipes[stream] >= 0 && !must_stop(execution); reads++) {
    long got = execution->capture ? capture_piece(execution, stream) : forward_piece(execution, stream);
    if (got == -ENOMEM) {
      execution->too_large = true;
    } else if (got == 0 || (got < 0 && got != -EINTR && got != -EAGAIN)) {
      close_pipe(execution, stream);
    } else if (got == -EAGAIN || (got > 0 && got < READ_SIZE)) {
      break; /* a short read has emptied the pipe */
    }
  }
}

/* ---- the loop ------------------------------------------------------------------------------- */

enum { POLL_STDOUT, POLL_STDERR, POLL_PROCESS, POLL_HOST, POLL_COUNT };

static bool output_open(const struct execution *execution) {
  return execution->pipes[STDOUT] >= 0 || execution->pipes[STDERR] >= 0;
}

/* Waits at most `timeout_ms` for anything to happen and takes it in. */
static void turn(struct execution *execution, int64_t timeout_ms) {
  struct connection *connection = &execution->agent->connection;
  int watch = execution->process.exited ? -1 : execution->process.watch;
  struct pollfd polls[POLL_COUNT] = {{execution->pipes[STDOUT], POLLIN, 0},
                                     {execution->pipes[STDERR], POLLIN, 0},
                                     {watch, POLLIN, 0},
                                     {connection->fd, connection_watch(connection), 0}};
  if (sys_poll(polls, POLL_COUNT, process_poll_limit(&execution->process, timeout_ms)) > 0) {
    for (int stream = 0; stream < STREAMS; stream++) {
      if (polls[stream].revents != 0) {
        take_output(execution, stream);
      }
    }
    if (polls[POLL_HOST].revents != 0 && connection_abandoned(connection, polls[POLL_HOST].revents)) {
      execution->abandoned = true;
    }
  }
  if (watch < 0 || polls[POLL_PROCESS].revents != 0) {
    process_poll(&execution->process);
  }
}

static int64_t time_left(const struct execution *execution) {
  if (execution->deadline < 0) {
    return -1;
  }
  int64_t left = execution->deadline - sys_now_ms();
  return left > 0 ? left : 0;
}

/* Ends the command early; true if that is necessary. */
static bool check_end(struct execution *execution) {
  const struct agent *agent = execution->agent;
  if (agent_interrupted(agent, INTERRUPT_HOST_LOST)) {
    execution->abandoned = true;
  } else if (agent_interrupted(agent, INTERRUPT_COMMAND)) {
    execution->done_flags |= PV_DONE_INTERRUPTED;
  } else if (execution->deadline >= 0 && time_left(execution) == 0) {
    execution->done_flags |= PV_DONE_TIMED_OUT;
  }
  return must_stop(execution) || execution->done_flags != 0;
}

/*
 * After the exit: everything that is in the pipes, then what comes within a short time. Whoever still holds
 * them (a daemon that the command has started) may go on for ever.
 */
static void drain(struct execution *execution) {
  take_output(execution, STDOUT);
  take_output(execution, STDERR);
  int64_t end = sys_now_ms() + DRAIN_MS, left = DRAIN_MS;
  while (output_open(execution) && left > 0 && !must_stop(execution)) {
    turn(execution, left);
    left = end - sys_now_ms();
  }
}

static void run(struct execution *execution) {
  bool killed = false;
  while (!execution->process.exited) {
    if (!killed && check_end(execution)) {
      process_kill(&execution->process);
      killed = true;
    }
    if (must_stop(execution)) {
      /* Nobody takes output any more, and the group is dead: only the exit is left to wait for. */
      close_pipe(execution, STDOUT);
      close_pipe(execution, STDERR);
    }
    turn(execution, killed ? -1 : time_left(execution));
  }
  drain(execution);
}

/* ---- start and end -------------------------------------------------------------------------- */

static bool execution_open(struct execution *execution, struct command *command, int ends[STREAMS]) {
  for (int stream = 0; stream < STREAMS; stream++) {
    int pair[2];
    if (sys_pipe(pair, O_CLOEXEC) < 0) {
      return false;
    }
    execution->pipes[stream] = pair[0];
    ends[stream] = pair[1];
    sys_fcntl(pair[0], F_SETFL, O_NONBLOCK); /* our end alone: a pipe's ends are separate files */
  }
  command->output = ends[STDOUT];
  command->error = ends[STDERR];
  return true;
}

/* Runs it; 0 or the errno of what kept it from starting. */
static int execute(struct execution *execution, struct command *command, struct text *failure) {
  int ends[STREAMS] = {-1, -1};
  int error = EMFILE;
  if (execution_open(execution, command, ends)) {
    error = command_start(execution->agent, command, &execution->process, failure);
  } else {
    text_add(failure, "no descriptors left for the command's pipes");
  }
  for (int stream = 0; stream < STREAMS; stream++) {
    if (ends[stream] >= 0) {
      sys_close(ends[stream]);
    }
  }
  if (error == 0) {
    run(execution);
  }
  return error;
}

static void execution_close(struct execution *execution) {
  close_pipe(execution, STDOUT);
  close_pipe(execution, STDERR);
  process_close(&execution->process);
  for (int stream = 0; stream < STREAMS; stream++) {
    buffer_free(&execution->agent->capture[stream]);
  }
}

void handle_exec(struct agent *agent, struct message message) {
  struct connection *connection = &agent->connection;
  struct exec_request request;
  size_t used = 0;
  char *line = NULL;
  char **environment = NULL;
  if (decode_exec(message.type, message.payload, &request) != 0) {
    reply_error(connection, EINVAL, "malformed exec request");
    return;
  }
  /* The line last: the arena may move as long as it grows. */
  if (buffer_reserve(&agent->arena, request.command.length + READ_SIZE) == 0) {
    environment = command_environment(agent, &request, &used);
    line = agent_copy_string(agent, request.command, &used);
  }
  if (environment == NULL || line == NULL) {
    reply_error(connection, ENOMEM, "no memory for the command");
    return;
  }
  struct execution execution = {
      .agent = agent, .process.watch = -1, .pipes = {-1, -1}, .capture = true, .deadline = -1};
  struct command command = {
      .line = line, .environment = environment, .input = command_null_input(agent->guest)};
  struct text failure = {.length = 0};
  int error = execute(&execution, &command, &failure);
  sys_close(command.input);
  if (error != 0) {
    reply_error(connection, error, failure.data);
  } else if (execution.too_large) {
    reply_error(connection, EFBIG, "the command's output is larger than one message; it was ended");
  } else if (execution.process.status_unknown) {
    reply_error(connection, ECHILD, "the command's exit status was taken by a wait of the script's own");
  } else {
    reply_begin(connection, PV_EXEC_RESULT);
    reply_u32(connection, (uint32_t)status_exit_code(execution.process.status));
    for (int stream = 0; stream < STREAMS; stream++) {
      reply_u32(connection, (uint32_t)execution.captured[stream]);
      reply_bytes(connection, agent->capture[stream].data, execution.captured[stream]);
    }
    reply_send(connection);
  }
  execution_close(&execution);
}

static void reply_exec_done(struct execution *execution) {
  struct connection *connection = &execution->agent->connection;
  struct holder holder = {0};
  if (output_open(execution)) {
    execution->done_flags |= PV_DONE_OUTPUT_HELD;
    holder_find(execution->agent->guest, execution->pipes, STREAMS, &holder);
  }
  bool unknown = execution->process.status_unknown;
  execution->done_flags |= unknown ? PV_DONE_STATUS_UNKNOWN : 0;
  reply_begin(connection, PV_EXEC_DONE);
  reply_u32(connection, unknown ? (uint32_t)-1 : (uint32_t)status_exit_code(execution->process.status));
  reply_u32(connection, unknown ? 0 : (uint32_t)status_signal(execution->process.status));
  reply_u32(connection, execution->done_flags);
  reply_u32(connection, (uint32_t)holder.pid);
  reply_bytes(connection, holder.name, strlen(holder.name));
  reply_send(connection);
}

static int command_input(struct agent *agent, const struct exec_request *request) {
  if ((request->flags & PV_EXEC_STDIN) == 0 || agent->input < 0) {
    return command_null_input(agent->guest);
  }
  int input = agent->input;
  agent->input = -1;
  sys_lseek(input, 0, SEEK_SET);
  return input;
}

void handle_exec_full(struct agent *agent, struct message message) {
  struct connection *connection = &agent->connection;
  struct exec_request request;
  if (decode_exec(message.type, message.payload, &request) != 0) {
    reply_error(connection, EINVAL, "malformed exec request");
    return;
  }
  /* Reserved at once, so that nothing of it moves while it is being filled. */
  size_t used = 0;
  size_t strings = (size_t)request.command.length + request.cwd.length + request.environment.length;
  char **environment = NULL;
  if (buffer_reserve(&agent->arena, strings + (request.environment_count + 1) * sizeof(char *) + READ_SIZE) ==
      0) {
    environment = command_environment(agent, &request, &used);
  }
  if (environment == NULL) {
    reply_error(connection, ENOMEM, "no memory for the command");
    return;
  }
  struct command command = {.environment = environment, .input = command_input(agent, &request)};
  command.line = agent_copy_string(agent, request.command, &used);
  command.cwd = request.cwd.length != 0 ? agent_copy_string(agent, request.cwd, &used) : NULL;
  struct execution execution = {.agent = agent, .process.watch = -1, .pipes = {-1, -1}, .deadline = -1};
  if (request.timeout_ms != 0) {
    execution.deadline = sys_now_ms() + request.timeout_ms;
  }
  struct text failure = {.length = 0};
  int error = execute(&execution, &command, &failure);
  descriptor_close(command.input);
  if (error != 0) {
    reply_error(connection, error, failure.data);
  } else if (execution.too_large) {
    reply_error(connection, ENOMEM, "no memory to pass the command's output on; it was ended");
  } else {
    reply_exec_done(&execution);
  }
  execution_close(&execution);
}

void handle_stdin(struct agent *agent, struct span payload) {
  if (agent->input < 0) {
    agent->input = guest_memory_file(agent->guest);
  }
  size_t done = 0;
  long put = agent->input < 0 ? agent->input : 0;
  while (put >= 0 && done < payload.length) {
    put = sys_write(agent->input, payload.data + done, payload.length - done);
    put = put == -EINTR ? 0 : put;
    done += put > 0 ? (size_t)put : 0;
  }
  if (put < 0) {
    reply_error(&agent->connection, (int)-put, "cannot keep the command's standard input");
  } else {
    reply_done(&agent->connection, (int64_t)done);
  }
}
