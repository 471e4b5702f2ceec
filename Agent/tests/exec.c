/* Commands in the foreground. */
#include <pwd.h>
#include <signal.h>

#include "harness.h"

static struct reply run(struct peer *peer, const char *command, uint32_t flags, uint32_t timeout_ms,
                        struct bytes *out, struct bytes *err) {
  struct bytes payload = exec_payload(command, flags, timeout_ms);
  peer_request(peer, PV_EXEC_FULL, &payload);
  return peer_collect(peer, out, err);
}

static bool is_done(const struct reply *reply, uint32_t exit_code, uint32_t signal, uint32_t flags) {
  return reply->type == PV_EXEC_DONE && get_u32(&reply->payload, 0) == exit_code &&
         get_u32(&reply->payload, 4) == signal && get_u32(&reply->payload, 8) == flags;
}

static bool is_text(const struct bytes *bytes, const char *text) {
  return bytes->length == strlen(text) && memcmp(bytes->data, text, bytes->length) == 0;
}

static void check_results(struct peer *peer) {
  struct bytes out = {0}, err = {0};
  struct reply reply = run(peer, "echo out; echo err >&2; exit 7", 0, 0, &out, &err);
  CHECK(is_done(&reply, 7, 0, 0) && is_text(&out, "out\n") && is_text(&err, "err\n"));
  reply = run(peer, "kill -TERM $$", 0, 0, NULL, NULL);
  CHECK(is_done(&reply, 128 + SIGTERM, SIGTERM, 0));
  reply = run(peer, "exit 143", 0, 0, NULL, NULL);
  CHECK(is_done(&reply, 143, 0, 0));
  out.length = 0;
  reply = run(peer, "cat", 0, 0, &out, NULL); /* standard input is empty, not the agent's */
  CHECK(is_done(&reply, 0, 0, 0) && out.length == 0);
}

static void check_options(struct peer *peer) {
  struct bytes payload = {0}, out = {0};
  put_u32(&payload, PV_EXEC_STDIN);
  put_u32(&payload, 0);
  put_string(&payload, "/usr");
  put_u32(&payload, 2);
  put_string(&payload, "GREETING=hi there");
  put_string(&payload, "HOME=/nowhere");
  put_string(&payload, "echo $GREETING $HOME $PWD; cat");
  struct bytes input = text_payload("from the host\n");
  struct reply reply = peer_call(peer, PV_STDIN, &input);
  CHECK(reply.type == PV_DONE && result_of(&reply) == 14);
  reply = peer_call(peer, PV_STDIN, &input);
  peer_request(peer, PV_EXEC_FULL, &payload);
  reply = peer_collect(peer, &out, NULL);
  CHECK(is_done(&reply, 0, 0, 0));
  CHECK(is_text(&out, "hi there /nowhere /usr\nfrom the host\nfrom the host\n"));
  payload.length = out.length = 0;
  put_u32(&payload, PV_EXEC_CLEAR_ENV);
  put_u32(&payload, 0);
  put_u32(&payload, 0);
  put_u32(&payload, 1);
  put_string(&payload, "ONLY=this");
  put_string(&payload, "/usr/bin/env");
  peer_request(peer, PV_EXEC_FULL, &payload);
  reply = peer_collect(peer, &out, NULL);
  CHECK(is_done(&reply, 0, 0, 0) && out.length < 100);
  payload.length = 0;
  put_u32(&payload, 0);
  put_u32(&payload, 0);
  put_string(&payload, "/no/such/place");
  put_u32(&payload, 0);
  put_string(&payload, "true");
  reply = peer_call(peer, PV_EXEC_FULL, &payload);
  CHECK(reply.type == PV_ERROR && get_u32(&reply.payload, 0) == ENOENT);
}

/* HOME is the home of the user, unless the request gives another or none. */
static void check_home(struct peer *peer) {
  struct bytes out = {0};
  const struct passwd *user = getpwuid(geteuid());
  char expected[512];
  snprintf(expected, sizeof expected, "%s\n", user != NULL ? user->pw_dir : "/");
  struct reply reply = run(peer, "echo $HOME", 0, 0, &out, NULL);
  CHECK(is_done(&reply, 0, 0, 0) && is_text(&out, expected));
  struct bytes payload = text_payload("echo $HOME");
  reply = peer_call(peer, PV_EXEC, &payload);
  CHECK(reply.type == PV_EXEC_RESULT && get_u32(&reply.payload, 4) == strlen(expected));
  CHECK(memcmp(reply.payload.data + 8, expected, strlen(expected)) == 0);
  out.length = 0;
  reply = run(peer, "echo \"<$HOME>\"", PV_EXEC_CLEAR_ENV, 0, &out, NULL);
  CHECK(is_done(&reply, 0, 0, 0) && is_text(&out, "<>\n"));
}

static void check_large_output(struct peer *peer) {
  struct bytes out = {0}, err = {0};
  struct reply reply =
      run(peer, "head -c 20000000 /dev/zero; head -c 3000000 /dev/zero >&2", 0, 0, &out, &err);
  CHECK(is_done(&reply, 0, 0, 0) && out.length == 20000000 && err.length == 3000000);
  struct bytes payload = text_payload("head -c 5000000 /dev/zero; echo e >&2; exit 3");
  reply = peer_call(peer, PV_EXEC, &payload);
  CHECK(reply.type == PV_EXEC_RESULT && get_u32(&reply.payload, 0) == 3 &&
        get_u32(&reply.payload, 4) == 5000000);
  CHECK(reply.payload.length == 4 + 4 + 5000000 + 4 + 2);
  payload = text_payload("head -c 20000000 /dev/zero");
  reply = peer_call(peer, PV_EXEC, &payload);
  CHECK(reply.type == PV_ERROR && get_u32(&reply.payload, 0) == EFBIG);
}

static void check_time_limit(struct peer *peer) {
  struct bytes out = {0};
  long start = now_ms();
  struct reply reply = run(peer, "echo before; sleep 100 & sleep 100", 0, 200, &out, NULL);
  CHECK(is_done(&reply, 128 + SIGKILL, SIGKILL, PV_DONE_TIMED_OUT) && is_text(&out, "before\n"));
  CHECK(now_ms() - start < 2000);
}

/* A daemon that keeps the pipes open is reported by name, and is not waited for. */
static void check_held_output(struct peer *peer) {
  struct bytes out = {0};
  long start = now_ms();
  struct reply reply = run(peer, "echo done; sleep 5 & exit 0", 0, 0, &out, NULL);
  CHECK(is_done(&reply, 0, 0, PV_DONE_OUTPUT_HELD) && is_text(&out, "done\n"));
  CHECK(now_ms() - start < 1000);
  CHECK(reply.payload.length == 16 + 5 && memcmp(reply.payload.data + 16, "sleep", 5) == 0);
  kill((pid_t)get_u32(&reply.payload, 12), SIGKILL);
  start = now_ms();
  reply = run(peer, "yes & exit 0", 0, 0, NULL, NULL);
  CHECK(reply.type == PV_EXEC_DONE && now_ms() - start < 2000);
  kill((pid_t)get_u32(&reply.payload, 12), SIGKILL);
}

static void check_bad_requests(struct peer *peer) {
  struct bytes payload = {0};
  put(&payload, "true\0false", 10);
  struct reply reply = peer_call(peer, PV_EXEC, &payload);
  CHECK(reply.type == PV_ERROR && get_u32(&reply.payload, 0) == EINVAL);
  payload = exec_payload("true", 1u << 9, 0);
  reply = peer_call(peer, PV_EXEC_FULL, &payload);
  CHECK(reply.type == PV_ERROR && get_u32(&reply.payload, 0) == EINVAL);
  char *long_line = malloc(300000);
  memset(long_line, ' ', 299999);
  long_line[299999] = 0;
  payload = exec_payload(long_line, 0, 0);
  reply = peer_call(peer, PV_EXEC_FULL, &payload);
  CHECK(reply.type == PV_ERROR && get_u32(&reply.payload, 0) == E2BIG);
  free(long_line);
  static const char *const variables[] = {"NAME", "=value", ""};
  for (size_t i = 0; i < 3; i++) {
    payload.length = 0;
    put_u32(&payload, 0);
    put_u32(&payload, 0);
    put_u32(&payload, 0);
    put_u32(&payload, 1);
    put_string(&payload, variables[i]);
    put_string(&payload, "true");
    reply = peer_call(peer, PV_EXEC_FULL, &payload);
    CHECK(reply.type == PV_ERROR && get_u32(&reply.payload, 0) == EINVAL);
  }
}

/* The host disconnects during a command: the whole process group is killed. */
static void check_host_lost(bool link) {
  char mark[64], command[256];
  snprintf(mark, sizeof mark, "/tmp/provium-agent-test.%d", getpid());
  snprintf(command, sizeof command, "(echo $$ > %s; sleep 100) & sleep 100", mark);
  struct agent_under_test agent = agent_start(link);
  struct bytes payload = exec_payload(command, 0, 0);
  peer_request(&agent.main, PV_EXEC_FULL, &payload);
  FILE *file;
  int pid = 0;
  for (long end = now_ms() + 5000; pid == 0 && now_ms() < end; usleep(1000)) {
    if ((file = fopen(mark, "r")) != NULL) {
      if (fscanf(file, "%d", &pid) != 1) {
        pid = 0;
      }
      fclose(file);
    }
  }
  unlink(mark);
  CHECK(pid > 0 && kill(-pid, 0) == 0);
  CHECK(agent_stop(&agent));
  /* Process 1 may not have reaped the processes yet. */
  for (long end = now_ms() + 2000; kill(-pid, 0) == 0 && process_state(pid) != 'Z' && now_ms() < end;
       usleep(1000)) {
  }
  CHECK(kill(-pid, 0) == -1 || process_state(pid) == 'Z');
}

void test_exec(void) {
  for (int link = 0; link < 2; link++) {
    struct agent_under_test agent = agent_start(link);
    check_results(&agent.main);
    check_options(&agent.main);
    check_home(&agent.main);
    check_large_output(&agent.main);
    check_time_limit(&agent.main);
    check_held_output(&agent.main);
    check_bad_requests(&agent.main);
    CHECK(agent_alive(&agent.main));
    CHECK(agent_stop(&agent));
    check_host_lost(link);
  }
}
