/* Processes with live streams: pipes, terminals, flow control. */
#include <signal.h>
#include <sys/ptrace.h>
#include <sys/wait.h>

#include "harness.h"

enum { ALL = PV_STREAM_OUTPUT | PV_STREAM_ERROR, FOREVER = -1 };

static struct bytes start_payload(const char *command, uint32_t flags, uint16_t columns, uint16_t rows) {
  struct bytes payload = {0};
  put_u32(&payload, flags);
  put(&payload, &columns, 2);
  put(&payload, &rows, 2);
  put_u32(&payload, 0);
  put_u32(&payload, 0);
  put_string(&payload, command);
  return payload;
}

static uint32_t start_with(struct peer *peer, const char *command, uint32_t flags, pid_t *pid) {
  struct bytes payload = start_payload(command, flags, 80, 24);
  struct reply reply = peer_call(peer, PV_PROCESS_START, &payload);
  CHECK(reply.type == PV_JOB_STARTED && reply.payload.length == 8);
  if (pid != NULL) {
    *pid = (pid_t)get_u32(&reply.payload, 4);
  }
  return get_u32(&reply.payload, 0);
}

static uint32_t start(struct peer *peer, const char *command) { return start_with(peer, command, 0, NULL); }

static struct reply read_streams(struct peer *peer, uint32_t job, uint32_t streams, uint32_t flags,
                                 uint32_t limit, int timeout_ms, struct bytes *out, struct bytes *err) {
  struct bytes payload = {0};
  put_u32(&payload, job);
  put_u32(&payload, streams);
  put_u32(&payload, flags);
  put_u32(&payload, limit);
  put_u32(&payload, (uint32_t)timeout_ms);
  peer_request(peer, PV_PROCESS_READ, &payload);
  return peer_collect(peer, out, err);
}

static struct reply write_input(struct peer *peer, uint32_t job, const void *data, size_t length,
                                uint32_t flags, uint32_t timeout_ms) {
  struct bytes payload = {0};
  put_u32(&payload, job);
  put_u32(&payload, flags);
  put_u32(&payload, timeout_ms);
  put(&payload, data, length);
  return peer_call(peer, PV_PROCESS_WRITE, &payload);
}

static struct reply end_process(struct peer *peer, uint32_t job) {
  struct bytes payload = {0};
  put_u32(&payload, job);
  return peer_call(peer, PV_PROCESS_END, &payload);
}

static bool state_is(const struct reply *reply, bool running, int32_t exit_code, uint32_t signal,
                     uint32_t open) {
  return reply->type == PV_PROCESS_STATE && reply->payload.length == 13 &&
         reply->payload.data[0] == running && (int32_t)get_u32(&reply->payload, 1) == exit_code &&
         get_u32(&reply->payload, 5) == signal && get_u32(&reply->payload, 9) == open;
}

static bool is_text(const struct bytes *bytes, const char *text) {
  return bytes->length == strlen(text) && memcmp(bytes->data, text, bytes->length) == 0;
}

static bool has_text(const struct bytes *bytes, const char *text) {
  return bytes->length != 0 && memmem(bytes->data, bytes->length, text, strlen(text)) != NULL;
}

/* Reads until the text has come. */
static bool await_text(struct peer *peer, uint32_t job, const char *text) {
  struct bytes out = {0};
  for (long end = now_ms() + 5000; !has_text(&out, text) && now_ms() < end;) {
    read_streams(peer, job, PV_STREAM_OUTPUT, 0, 65536, 1000, &out, NULL);
  }
  return has_text(&out, text);
}

static void check_conversation(struct peer *peer) {
  uint32_t job = start(peer, "read a; echo got $a; echo bad >&2; cat; exit 3");
  struct bytes out = {0}, err = {0};
  struct reply reply = read_streams(peer, job, ALL, 0, 100, 30, &out, &err);
  CHECK(state_is(&reply, true, -1, 0, ALL | PV_STREAM_INPUT) && out.length == 0);
  reply = write_input(peer, job, "hello\n", 6, 0, 1000);
  CHECK(reply.type == PV_DONE && result_of(&reply) == 6);
  for (long end = now_ms() + 5000; (out.length < 10 || err.length < 4) && now_ms() < end;) {
    reply = read_streams(peer, job, ALL, 0, 100, 1000, &out, &err);
  }
  CHECK(is_text(&out, "got hello\n") && is_text(&err, "bad\n"));
  reply = write_input(peer, job, "tail", 4, PV_PROCESS_CLOSE, 1000);
  CHECK(reply.type == PV_DONE && result_of(&reply) == 4);
  out.length = 0;
  reply = read_streams(peer, job, ALL, PV_PROCESS_FOLLOW, 1000, FOREVER, &out, &err);
  CHECK(is_text(&out, "tail"));
  reply = read_streams(peer, job, 0, 0, 0, FOREVER, NULL, NULL);
  CHECK(state_is(&reply, false, 3, 0, 0));
  reply = write_input(peer, job, "late", 4, 0, 0);
  CHECK(reply.type == PV_ERROR && get_u32(&reply.payload, 0) == EPIPE);
  CHECK(end_process(peer, job).type == PV_DONE);
  reply = end_process(peer, job);
  CHECK(reply.type == PV_ERROR && get_u32(&reply.payload, 0) == ESRCH);
}

/* A stream that is not read stops its process; the connection serves other requests. */
static void check_flow_control(struct peer *peer) {
  struct bytes out = {0};
  pid_t pid;
  uint32_t job = start_with(peer, "exec cat /dev/zero", 0, &pid);
  for (long end = now_ms() + 5000; process_state(pid) != 'S' && now_ms() < end; usleep(1000)) {
  }
  CHECK(process_state(pid) == 'S' && agent_alive(peer));
  struct reply reply = read_streams(peer, job, ALL, PV_PROCESS_FOLLOW, 3000000, FOREVER, &out, NULL);
  CHECK(state_is(&reply, true, -1, 0, ALL | PV_STREAM_INPUT) && out.length == 3000000);
  CHECK(end_process(peer, job).type == PV_DONE);
  for (long end = now_ms() + 5000; process_state(pid) != 'X' && now_ms() < end; usleep(1000)) {
  }
  CHECK(process_state(pid) == 'X');
  free(out.data);
}

/* One read of a full pipe becomes several messages; their bytes stay in order, also where a limit cuts them.
 */
static void check_pieces(struct peer *peer) {
  struct bytes out = {0}, expected = {0};
  for (int i = 1; i <= 300000; i++) {
    char line[16];
    put(&expected, line, (size_t)snprintf(line, sizeof line, "%d\n", i));
  }
  uint32_t job = start(peer, "seq 300000");
  struct reply reply;
  do {
    reply = read_streams(peer, job, ALL, PV_PROCESS_FOLLOW, 700001, FOREVER, &out, NULL);
  } while (reply.type == PV_PROCESS_STATE && get_u32(&reply.payload, 9) != PV_STREAM_INPUT &&
           get_u32(&reply.payload, 9) != 0);
  CHECK(out.length == expected.length && memcmp(out.data, expected.data, out.length) == 0);
  CHECK(end_process(peer, job).type == PV_DONE);
  free(out.data);
  free(expected.data);
}

/* Input that is not read fills the pipe; the request ends in time and says how much was taken. */
static void check_full_input(struct peer *peer) {
  static char data[1 << 21]; /* more than the pipe holds */
  uint32_t job = start(peer, "sleep 100");
  struct reply reply = write_input(peer, job, data, sizeof data, PV_PROCESS_CLOSE, 50);
  CHECK(reply.type == PV_DONE && result_of(&reply) > 0 && result_of(&reply) < (int64_t)sizeof data);
  reply = write_input(peer, job, data, 1, 0, 0);
  CHECK(reply.type == PV_DONE && result_of(&reply) == 0);
  CHECK(end_process(peer, job).type == PV_DONE);
  job = start(peer, "exec <&-; echo closed; sleep 100");
  CHECK(await_text(peer, job, "closed"));
  reply = write_input(peer, job, "x", 1, 0, 1000);
  CHECK(reply.type == PV_ERROR && get_u32(&reply.payload, 0) == EPIPE);
  CHECK(end_process(peer, job).type == PV_DONE);
}

static void check_signals(struct peer *peer) {
  uint32_t job = start(peer, "trap 'echo caught' USR1; echo ready; while :; do sleep 0.01; done");
  struct bytes payload = {0};
  CHECK(await_text(peer, job, "ready"));
  put_u32(&payload, job);
  put_u32(&payload, SIGUSR1);
  /* It is sent to the whole group, so it ends the sleep and not the shell. */
  CHECK(peer_call(peer, PV_PROCESS_SIGNAL, &payload).type == PV_DONE);
  CHECK(await_text(peer, job, "caught"));
  payload.length = 0;
  put_u32(&payload, job);
  put_u32(&payload, SIGTERM);
  CHECK(peer_call(peer, PV_PROCESS_SIGNAL, &payload).type == PV_DONE);
  struct reply reply = read_streams(peer, job, 0, 0, 0, FOREVER, NULL, NULL);
  CHECK(reply.type == PV_PROCESS_STATE && get_u32(&reply.payload, 1) == 143 &&
        get_u32(&reply.payload, 5) == SIGTERM);
  CHECK(peer_call(peer, PV_PROCESS_SIGNAL, &payload).type == PV_DONE); /* it has ended: no error */
  payload.length = 4;
  put_u32(&payload, 65);
  reply = peer_call(peer, PV_PROCESS_SIGNAL, &payload);
  CHECK(reply.type == PV_ERROR && get_u32(&reply.payload, 0) == EINVAL);
  CHECK(end_process(peer, job).type == PV_DONE);
}

static void check_terminal(struct peer *peer) {
  struct bytes out = {0};
  uint32_t job = start_with(peer,
                            "stty size; test -t 0 && test -t 1 && test -t 2 && echo tty; "
                            "trap 'echo winch; stty size' WINCH; trap 'echo int' INT; echo ready; "
                            "while :; do sleep 0.02; done",
                            PV_PROCESS_TERMINAL, NULL);
  CHECK(await_text(peer, job, "24 80\r\ntty\r\nready"));
  struct bytes size = {0};
  uint16_t columns = 132, rows = 50;
  put_u32(&size, job);
  put(&size, &columns, 2);
  put(&size, &rows, 2);
  CHECK(peer_call(peer, PV_PROCESS_RESIZE, &size).type == PV_DONE);
  CHECK(await_text(peer, job, "50 132"));
  CHECK(write_input(peer, job, "\003", 1, 0, 1000).type == PV_DONE); /* Ctrl-C */
  CHECK(await_text(peer, job, "int"));
  struct bytes signal = {0};
  put_u32(&signal, job);
  put_u32(&signal, SIGINT);
  CHECK(peer_call(peer, PV_PROCESS_SIGNAL, &signal).type == PV_DONE);
  CHECK(await_text(peer, job, "int"));
  struct reply reply = write_input(peer, job, "", 0, PV_PROCESS_CLOSE, 0);
  CHECK(reply.type == PV_ERROR && get_u32(&reply.payload, 0) == EINVAL);
  CHECK(end_process(peer, job).type == PV_DONE);
  job = start_with(peer, "cat; exit 4", PV_PROCESS_TERMINAL, NULL);
  CHECK(write_input(peer, job, "line\n\004", 6, 0, 1000).type == PV_DONE); /* Ctrl-D ends the input */
  read_streams(peer, job, ALL, PV_PROCESS_FOLLOW, 1000, 5000, &out, NULL);
  reply = read_streams(peer, job, 0, 0, 0, 5000, NULL, NULL);
  CHECK(is_text(&out, "line\r\nline\r\n") && state_is(&reply, false, 4, 0, PV_STREAM_INPUT));
  CHECK(end_process(peer, job).type == PV_DONE);
}

static void check_bad_requests(struct peer *peer) {
  struct bytes payload = start_payload("true", PV_PROCESS_TERMINAL, 0, 24);
  struct reply reply = peer_call(peer, PV_PROCESS_START, &payload);
  CHECK(reply.type == PV_ERROR && get_u32(&reply.payload, 0) == EINVAL);
  payload = start_payload("true", 1u << 7, 80, 24);
  CHECK(peer_call(peer, PV_PROCESS_START, &payload).type == PV_ERROR);
  uint32_t job = start(peer, "sleep 100");
  struct bytes size = {0};
  uint16_t one = 1;
  put_u32(&size, job);
  put(&size, &one, 2);
  put(&size, &one, 2);
  reply = peer_call(peer, PV_PROCESS_RESIZE, &size);
  CHECK(reply.type == PV_ERROR && get_u32(&reply.payload, 0) == ENOTTY);
  reply = read_streams(peer, job, 4, 0, 1, 0, NULL, NULL);
  CHECK(reply.type == PV_ERROR && get_u32(&reply.payload, 0) == EINVAL);
  reply = read_streams(peer, job, ALL, 0, 0, 0, NULL, NULL);
  CHECK(reply.type == PV_ERROR && get_u32(&reply.payload, 0) == EINVAL);
  reply = read_streams(peer, job + 1000, ALL, 0, 1, 0, NULL, NULL);
  CHECK(reply.type == PV_ERROR && get_u32(&reply.payload, 0) == ESRCH);
  CHECK(end_process(peer, job).type == PV_DONE);
  CHECK(agent_alive(peer));
}

/* A process that has exited and whose output another process holds: the state says so, and nothing waits. */
static void check_held_stream(struct peer *peer) {
  struct bytes out = {0};
  uint32_t job = start(peer, "echo mine; sleep 30 & exit 0");
  long begin = now_ms();
  struct reply reply = read_streams(peer, job, ALL, PV_PROCESS_FOLLOW, 1000, FOREVER, &out, NULL);
  CHECK(state_is(&reply, false, 0, 0, ALL | PV_STREAM_INPUT) && is_text(&out, "mine\n"));
  CHECK(now_ms() - begin < 10000);
  CHECK(end_process(peer, job).type == PV_DONE);
}

/* A process that never pauses does not prolong a read beyond its time. */
static void check_endless_output(struct peer *peer) {
  enum { LIMIT = 1 << 28 };
  uint32_t job = start(peer, "exec cat /dev/zero");
  struct bytes out = {0};
  struct reply reply = read_streams(peer, job, ALL, PV_PROCESS_FOLLOW, LIMIT, 20, &out, NULL);
  CHECK(state_is(&reply, true, -1, 0, ALL | PV_STREAM_INPUT) && out.length < LIMIT);
  CHECK(end_process(peer, job).type == PV_DONE);
}

static void check_many(struct peer *peer) {
  uint32_t jobs[PV_MAX_JOBS];
  struct bytes payload = start_payload("sleep 100", 0, 0, 0);
  for (uint32_t i = 0; i < PV_MAX_JOBS; i++) {
    jobs[i] = start(peer, "sleep 100");
  }
  struct reply reply = peer_call(peer, PV_PROCESS_START, &payload);
  CHECK(reply.type == PV_ERROR && get_u32(&reply.payload, 0) == EAGAIN);
  for (uint32_t i = 0; i < PV_MAX_JOBS; i++) {
    CHECK(end_process(peer, jobs[i]).type == PV_DONE);
  }
  CHECK(end_process(peer, start(peer, "sleep 100")).type == PV_DONE);
  /* Processes that have been read to their end make room by themselves. */
  for (uint32_t i = 0; i < PV_MAX_JOBS + 8; i++) {
    uint32_t job = start(peer, "exit 0");
    read_streams(peer, job, ALL, PV_PROCESS_FOLLOW, 100, FOREVER, NULL, NULL);
    reply = read_streams(peer, job, 0, 0, 0, FOREVER, NULL, NULL);
    CHECK(reply.type == PV_PROCESS_STATE && reply.payload.data[0] == 0);
  }
}

static int start_error(struct peer *peer) {
  struct bytes payload = start_payload("sleep 100", 0, 0, 0);
  struct reply reply = peer_call(peer, PV_PROCESS_START, &payload);
  return reply.type == PV_ERROR ? (int)get_u32(&reply.payload, 0) : 0;
}

/* Ends a process, and keeps its parent from reaping it: a killed process of a traced program stays. */
static void end_traced(struct peer *peer, uint32_t job, pid_t pid) {
  CHECK(ptrace(PTRACE_SEIZE, pid, 0, 0) == 0);
  CHECK(end_process(peer, job).type == PV_DONE);
  siginfo_t death;
  CHECK(waitid(P_PID, pid, &death, WEXITED | WNOWAIT | __WALL) == 0);
}

static void reap_traced(pid_t pid) { CHECK(waitpid(pid, NULL, __WALL) == pid); }

/*
 * A killed process dies when it gets processor time, and a place among the jobs does not wait for that. As
 * many processes may be dying as there are places; each one beyond keeps its place until it is gone.
 */
static void check_dying(struct peer *peer) {
  uint32_t jobs[PV_MAX_JOBS];
  pid_t dying[PV_MAX_JOBS], last;
  for (uint32_t i = 0; i < PV_MAX_JOBS; i++) {
    jobs[i] = start_with(peer, "sleep 100", 0, &dying[i]);
    end_traced(peer, jobs[i], dying[i]);
  }
  for (uint32_t i = 1; i < PV_MAX_JOBS; i++) {
    jobs[i] = start(peer, "sleep 100");
  }
  uint32_t job = start_with(peer, "sleep 100", 0, &last);
  CHECK(start_error(peer) == EAGAIN);
  end_traced(peer, job, last);
  CHECK(start_error(peer) == EAGAIN);
  reap_traced(last);
  for (uint32_t i = 0; i < PV_MAX_JOBS; i++) {
    reap_traced(dying[i]);
  }
  int error = EAGAIN;
  /* Control reaps the shells in a later turn of its loop, and tells no peer of it. */
  for (long end = now_ms() + 5000; error == EAGAIN && now_ms() < end; error = start_error(peer)) {
  }
  CHECK(error == 0);
  for (uint32_t i = 1; i < PV_MAX_JOBS; i++) {
    CHECK(end_process(peer, jobs[i]).type == PV_DONE);
  }
}

void test_process(void) {
  for (int link = 0; link < 2; link++) {
    struct agent_under_test agent = agent_start(link);
    check_conversation(&agent.main);
    check_pieces(&agent.main);
    check_flow_control(&agent.main);
    check_full_input(&agent.main);
    check_signals(&agent.main);
    check_terminal(&agent.main);
    check_bad_requests(&agent.main);
    check_held_stream(&agent.main);
    check_endless_output(&agent.main);
    check_many(&agent.main);
    if (link == 0) {
      check_dying(&agent.main);
    }
    CHECK(agent_stop(&agent));
  }
}
