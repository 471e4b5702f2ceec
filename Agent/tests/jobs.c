/* Commands in the background. */
#include <signal.h>

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

static struct reply collect(struct peer *peer, uint32_t job, uint32_t timeout_ms, uint32_t flags, struct bytes *out) {
  struct bytes payload = job_payload(job, timeout_ms, flags);
  peer_request(peer, PV_JOB_COLLECT, &payload);
  return peer_collect(peer, out, NULL);
}

static void check_result(struct peer *peer) {
  uint32_t job = start_job(peer, "echo one; echo two >&2; exit 5");
  for (int i = 0; i < 3; i++) { /* as often as one likes */
    struct bytes payload = job_payload(job, 5000, -1);
    struct reply reply = peer_call(peer, PV_JOB_WAIT, &payload);
    CHECK(reply.type == PV_JOB_RESULT && reply.payload.length == 1 + 4 + 4 + 4 + 4 + 4);
    CHECK(reply.payload.data[0] == 0 && get_u32(&reply.payload, 1) == 5 && memcmp(reply.payload.data + 9, "one\n", 4) == 0);
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
  CHECK(agent_alive(peer)); /* the agent is free meanwhile */
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
  CHECK(reply.type == PV_JOB_DONE && reply.payload.data[0] == 0 && get_u32(&reply.payload, 1) == 0 && out.length == 5);
  CHECK(now_ms() - start < 1500);
}

/* More jobs than the table has room for: results that have been read make room, unread ones do not. */
static void check_many(struct peer *peer) {
  for (int i = 0; i < 140; i++) {
    uint32_t job = start_job(peer, "exit 0");
    collect(peer, job, 5000, 0, NULL);
  }
  struct bytes payload = text_payload("exit 0");
  int started = 0;
  while (started < 200 && peer_call(peer, PV_EXEC_ASYNC, &payload).type == PV_JOB_STARTED) {
    started++;
  }
  CHECK(started == 128);
  CHECK(agent_alive(peer));
}

void test_jobs(void) {
  for (int link = 0; link < 2; link++) {
    struct agent_under_test agent = agent_start(link);
    check_result(&agent.main);
    check_running(&agent.main);
    check_large_output(&agent.main);
    check_held_pipe(&agent.main);
    check_many(&agent.main);
    CHECK(agent_stop(&agent));
  }
}
