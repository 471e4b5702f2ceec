/* Commands in the background. */
#include <signal.h>
#include <sys/syscall.h>

#include "harness.h"

static uint32_t start_job(struct peer *peer, const char *command) {
  struct bytes payload = text_payload(command);
  struct reply reply = peer_call(peer, PV_EXEC_ASYNC, &payload);
  CHECK(reply.type == PV_JOB_STARTED && reply.payload.length == 8);
  return get_u32(&reply.payload, 0);
}

static struct bytes job_payload(uint32_t job, int64_t timeout_ms, int64_t flags) {
  struct bytes payload = {0};
  put_u32(&payload, job);
  if (timeout_ms >= 0) {
    put_u32(&payload, (uint32_t)timeout_ms);
  }
  if (flags >= 0) {
    put_u32(&payload, (uint32_t)flags);
  }
  return payload;
}

static struct reply collect(struct peer *peer, uint32_t job, uint32_t timeout_ms, uint32_t flags,
                            struct bytes *out) {
  struct bytes payload = job_payload(job, timeout_ms, flags);
  peer_request(peer, PV_JOB_COLLECT, &payload);
  return peer_collect(peer, out, NULL);
}

static void check_result(struct peer *peer) {
  uint32_t job = start_job(peer, "echo one; echo two >&2; exit 5");
  for (int i = 0; i < 3; i++) { /* a result can be read repeatedly */
    struct bytes payload = job_payload(job, 5000, -1);
    struct reply reply = peer_call(peer, PV_JOB_WAIT, &payload);
    CHECK(reply.type == PV_JOB_RESULT && reply.payload.length == 1 + 4 + 4 + 4 + 4 + 4);
    CHECK(reply.payload.data[0] == 0 && get_u32(&reply.payload, 1) == 5 &&
          memcmp(reply.payload.data + 9, "one\n", 4) == 0);
  }
  struct bytes unknown = job_payload(job + 1000, 0, -1);
  struct reply reply = peer_call(peer, PV_JOB_WAIT, &unknown);
  CHECK(reply.type == PV_ERROR && get_u32(&reply.payload, 0) == ESRCH);
}

static void check_running(struct peer *peer) {
  struct bytes out = {0};
  uint32_t job = start_job(peer, "echo early; sleep 100");
  struct reply reply;
  for (long end = now_ms() + 3000; out.length == 0 && now_ms() < end;) {
    reply = collect(peer, job, 10, 0, &out);
  }
  CHECK(reply.type == PV_JOB_DONE && reply.payload.data[0] == 1 && (int32_t)get_u32(&reply.payload, 1) == -1);
  CHECK(out.length == 6);
  out.length = 0;
  reply = collect(peer, job, 0, PV_COLLECT_KILL, &out);
  CHECK(reply.type == PV_JOB_DONE && reply.payload.data[0] == 0 && get_u32(&reply.payload, 1) == 137 &&
        get_u32(&reply.payload, 5) == 9 && out.length == 6);
  job = start_job(peer, "sleep 100");
  struct bytes payload = job_payload(job, -1, -1);
  reply = peer_call(peer, PV_JOB_KILL, &payload);
  CHECK(reply.type == PV_JOB_RESULT && reply.payload.data[0] == 0 && get_u32(&reply.payload, 1) == 137);
}

static void check_large_output(struct peer *peer) {
  struct bytes out = {0};
  uint32_t job = start_job(peer, "head -c 10000000 /dev/zero; head -c 1000 /dev/zero");
  CHECK(agent_alive(peer)); /* the agent handles other requests meanwhile */
  struct reply reply = collect(peer, job, 10000, 0, &out);
  CHECK(reply.type == PV_JOB_DONE && reply.payload.data[0] == 0 && out.length == 10001000);
  out.length = 0;
  collect(peer, job, 0, 0, &out);
  CHECK(out.length == 10001000);
}

static void check_held_pipe(struct peer *peer) {
  struct bytes out = {0};
  long start = now_ms();
  uint32_t job = start_job(peer, "echo mine; sleep 2 & exit 0");
  struct reply reply = collect(peer, job, 10000, 0, &out);
  CHECK(reply.type == PV_JOB_DONE && reply.payload.data[0] == 0 && get_u32(&reply.payload, 1) == 0 &&
        out.length == 5);
  CHECK(now_ms() - start < 1500);
}

static pid_t number_in(const struct bytes *text) {
  char digits[32] = "";
  memcpy(digits, text->data, text->length < sizeof digits ? text->length : sizeof digits - 1);
  return (pid_t)atoi(digits);
}

static bool dies(pid_t pid) {
  char state = 'R';
  for (long end = now_ms() + 2000; state != 'Z' && state != 'X' && now_ms() < end; usleep(1000)) {
    state = process_state(pid);
  }
  return state == 'Z' || state == 'X';
}

/* Killing a job that has ended kills only its own group: the shell keeps the group's number while others live
 * in it. */
static void check_group_is_kept(struct peer *peer) {
  struct bytes out = {0};
  struct bytes payload = text_payload("sleep 1111 & echo $!; exit 4");
  struct reply reply = peer_call(peer, PV_EXEC_ASYNC, &payload);
  uint32_t job = get_u32(&reply.payload, 0);
  pid_t leader = (pid_t)get_u32(&reply.payload, 4);
  reply = collect(peer, job, 5000, 0, &out);
  CHECK(reply.type == PV_JOB_DONE && get_u32(&reply.payload, 1) == 4);
  pid_t sleeper = number_in(&out);
  CHECK(process_state(leader) == 'Z' && sleeper > 0 && kill(sleeper, 0) == 0);
  reply = collect(peer, job, 0, PV_COLLECT_KILL, NULL);
  CHECK(reply.type == PV_JOB_DONE && get_u32(&reply.payload, 1) == 4);
  CHECK(dies(sleeper));
  CHECK(process_state(leader) == 'X'); /* the number is free once the group is dead */
  payload = text_payload("exit 4");
  reply = peer_call(peer, PV_EXEC_ASYNC, &payload);
  job = get_u32(&reply.payload, 0);
  leader = (pid_t)get_u32(&reply.payload, 4);
  reply = collect(peer, job, 5000, 0, NULL);
  CHECK(get_u32(&reply.payload, 1) == 4 && process_state(leader) == 'X');
}

/* A script that waits for children or ignores SIGCHLD gets no job's status; a command's status is never
 * invented. */
static void check_taken_status(struct peer *peer) {
  uint32_t job = start_job(peer, "exit 6");
  struct reply reply = call_syscall(peer, 0, SYS_wait4, -1, 0, 0);
  CHECK(result_of(&reply) == -ECHILD);
  reply = collect(peer, job, 5000, 0, NULL);
  CHECK(reply.type == PV_JOB_DONE && reply.payload.length == 13 && get_u32(&reply.payload, 1) == 6);
  for (uint64_t handler = 1; handler + 1 != 0; handler--) { /* SIG_IGN, then SIG_DFL */
    const uint64_t action[4] = {handler, 0, 0, 0};
    struct bytes payload = {0};
    put_u32(&payload, SYS_rt_sigaction);
    put_u32(&payload, 4);
    put_u32(&payload, 1);
    put_u32(&payload, 1);
    put_u32(&payload, sizeof action);
    put_u64(&payload, SIGCHLD);
    put_u64(&payload, 0);
    put_u64(&payload, 0);
    put_u64(&payload, 8);
    put(&payload, action, sizeof action);
    reply = peer_call(peer, PV_SYSCALL, &payload);
    CHECK(result_of(&reply) == 0);
    struct bytes command = text_payload("exit 3");
    reply = peer_call(peer, PV_EXEC, &command);
    if (handler == 1) {
      CHECK(reply.type == PV_ERROR && get_u32(&reply.payload, 0) == ECHILD);
    } else {
      CHECK(reply.type == PV_EXEC_RESULT && get_u32(&reply.payload, 0) == 3);
    }
    struct bytes full = {0};
    put_u32(&full, 0);
    put_u32(&full, 0);
    put_u32(&full, 0);
    put_u32(&full, 0);
    put_string(&full, "exit 3");
    peer_request(peer, PV_EXEC_FULL, &full);
    reply = peer_collect(peer, NULL, NULL);
    bool unknown = (get_u32(&reply.payload, 8) & PV_DONE_STATUS_UNKNOWN) != 0;
    CHECK(reply.type == PV_EXEC_DONE && unknown == (handler == 1));
    CHECK((int32_t)get_u32(&reply.payload, 0) == (handler == 1 ? -1 : 3));
    job = start_job(peer, "exit 5");
    reply = collect(peer, job, 5000, 0, NULL);
    CHECK(reply.type == PV_JOB_DONE && get_u32(&reply.payload, 1) == 5);
  }
}

/* A stream is kept up to its limit; the result reports truncation, and the kept bytes are only the command's.
 */
static void check_truncated(struct peer *peer) {
  struct bytes out = {0};
  uint32_t job = start_job(peer, "head -c 67108864 /dev/zero");
  struct reply reply = collect(peer, job, 30000, 0, &out);
  CHECK(reply.type == PV_JOB_DONE && out.length == PV_MAX_JOB_STREAM && get_u32(&reply.payload, 9) == 0);
  out.length = 0;
  job = start_job(peer, "head -c 67108865 /dev/zero");
  reply = collect(peer, job, 30000, 0, &out);
  CHECK(reply.type == PV_JOB_DONE && out.length == PV_MAX_JOB_STREAM &&
        get_u32(&reply.payload, 9) == PV_JOB_TRUNCATED);
  CHECK(out.data[out.length - 1] == 0);
  free(out.data);
}

/* In a full table, results that have been read make room, unread ones do not. */
static void check_many(struct peer *peer) {
  uint32_t jobs[140];
  for (int i = 0; i < 140; i++) {
    jobs[i] = start_job(peer, "exit 0");
    collect(peer, jobs[i], 5000, 0, NULL);
  }
  for (int i = 0; i < 140; i++) { /* the last 128 are kept */
    CHECK(collect(peer, jobs[i], 0, 0, NULL).type == (i < 140 - (int)PV_MAX_JOBS ? PV_ERROR : PV_JOB_DONE));
  }
  struct bytes payload = text_payload("exit 0");
  int started = 0;
  while (started < 200 && peer_call(peer, PV_EXEC_ASYNC, &payload).type == PV_JOB_STARTED) {
    started++;
  }
  CHECK(started == 128);
  struct reply refusal = peer_call(peer, PV_EXEC_ASYNC, &payload);
  CHECK(get_u32(&refusal.payload, 0) == EAGAIN);
  CHECK(refusal.payload.length > 30 &&
        memcmp(refusal.payload.data + 4, "128 jobs are running or unread", 30) == 0);
  CHECK(agent_alive(peer));
}

void test_jobs(void) {
  for (int link = 0; link < 2; link++) {
    struct agent_under_test agent = agent_start(link);
    check_result(&agent.main);
    check_running(&agent.main);
    check_large_output(&agent.main);
    check_held_pipe(&agent.main);
    check_group_is_kept(&agent.main);
    check_taken_status(&agent.main);
    check_truncated(&agent.main);
    check_many(&agent.main);
    CHECK(agent_stop(&agent));
  }
}
