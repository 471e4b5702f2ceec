/* Interruptions, and a host that is lost. */
#include <signal.h>
#include <sys/syscall.h>
#include <time.h>

#include "harness.h"

static void interrupt(struct peer *control, uint32_t target, uint32_t flags, uint32_t request) {
  struct bytes payload = {0};
  put_u32(&payload, target);
  put_u32(&payload, flags);
  if (request != 0) {
    put_u32(&payload, request);
  }
  peer_request(control, PV_INTERRUPT, &payload);
}

static void send_blocking_read(struct peer *peer) {
  /* a timer that is not armed: reading from it blocks */
  struct reply fd = call_syscall(peer, 0, SYS_timerfd_create, CLOCK_MONOTONIC, 0, 0);
  struct bytes payload = {0};
  put_u32(&payload, SYS_read);
  put_u32(&payload, 3);
  put_u32(&payload, 1);
  put_u32(&payload, 1);
  put_u32(&payload, 8);
  put_u64(&payload, (uint64_t)result_of(&fd));
  put_u64(&payload, 0);
  put_u64(&payload, 8);
  put_u64(&payload, 0);
  peer_request(peer, PV_SYSCALL, &payload);
}

static void check_interrupts(struct agent_under_test *agent) {
  struct reply reply;
  interrupt(&agent->control, 0, 0, 0); /* no request is under way: no effect */
  CHECK(agent_alive(&agent->main));
  for (int round = 0; round < 20; round++) {
    send_syscall(&agent->main, 0, SYS_pause, 0, 0, 0);
    usleep((unsigned)round * 300);
    do { /* the request may not have begun when the first interruption arrives */
      interrupt(&agent->control, 0, 0, 0);
      reply = peer_receive_on(&agent->main, 0, 20);
    } while (reply.type == -2);
    CHECK(reply.type == PV_SYSCALL_RESULT && result_of(&reply) == -EINTR);
  }
  send_blocking_read(&agent->main);
  usleep(10000);
  interrupt(&agent->control, 0, 0, 0);
  reply = peer_receive(&agent->main);
  CHECK(result_of(&reply) == -EINTR);
  CHECK(agent_alive(&agent->main));
}

/* An interruption by number is exact, even if it arrives before its request or after the request's end. */
static void check_exact_interrupts(bool link) {
  struct agent_under_test agent = agent_start(link);
  for (uint32_t request = 1; request <= 20; request += 2) {
    interrupt(&agent.control, 0, 0, request);
    usleep(request % 4 == 1 ? 5000 : 0);
    send_syscall(&agent.main, 0, SYS_pause, 0, 0, 0);
    struct reply reply = peer_receive(&agent.main);
    CHECK(result_of(&reply) == -EINTR);
    interrupt(&agent.control, 0, 0, request); /* too late: the next request is not interrupted */
    reply = call_syscall(&agent.main, 0, SYS_getpid, 0, 0, 0);
    CHECK(result_of(&reply) > 0);
  }
  CHECK(agent_stop(&agent));
}

static void check_command(struct agent_under_test *agent) {
  struct bytes payload = exec_payload("sleep 100", 0, 0);
  peer_request(&agent->main, PV_EXEC_FULL, &payload);
  usleep(20000);
  interrupt(&agent->control, 0, 0, 0); /* without PV_INTERRUPT_COMMAND the command goes on */
  CHECK(peer_receive_on(&agent->main, 0, 50).type == -2);
  interrupt(&agent->control, 0, PV_INTERRUPT_COMMAND, 0);
  struct reply reply = peer_collect(&agent->main, NULL, NULL);
  CHECK(reply.type == PV_EXEC_DONE && get_u32(&reply.payload, 8) == PV_DONE_INTERRUPTED);
  payload = text_payload("sleep 100");
  reply = peer_call(&agent->main, PV_EXEC_ASYNC, &payload);
  struct bytes wait = {0};
  put_u32(&wait, get_u32(&reply.payload, 0));
  put_u32(&wait, 60000);
  peer_request(&agent->main, PV_JOB_WAIT, &wait);
  usleep(20000);
  interrupt(&agent->control, 0, 0, 0);
  reply = peer_receive(&agent->main);
  CHECK(reply.type == PV_ERROR && get_u32(&reply.payload, 0) == EINTR);
}

/* A stray signal has no effect on an idle agent, and ends a blocking call with EINTR. */
static void check_stray_signals(struct agent_under_test *agent) {
  static const int signals[] = {SIGHUP, SIGINT, SIGTERM, SIGUSR1, SIGUSR2, SIGALRM, SIGPIPE, SIGTSTP, 40};
  struct reply reply = call_syscall(&agent->main, 0, SYS_getpid, 0, 0, 0);
  pid_t pid = (pid_t)result_of(&reply);
  for (size_t i = 0; i < sizeof signals / sizeof signals[0]; i++) {
    kill(pid, signals[i]);
    kill(agent->pid, signals[i]);
    CHECK(agent_alive(&agent->main));
    CHECK(agent_alive(&agent->control));
  }
  send_syscall(&agent->main, 0, SYS_pause, 0, 0, 0);
  usleep(10000);
  kill(pid, SIGUSR1);
  reply = peer_receive(&agent->main);
  CHECK(result_of(&reply) == -EINTR);
}

static void check_bad_requests(struct agent_under_test *agent) {
  struct bytes payload = {0};
  struct reply reply = peer_call(&agent->control, PV_INTERRUPT, NULL);
  CHECK(reply.type == PV_ERROR && get_u32(&reply.payload, 0) == EINVAL);
  put_u32(&payload, 33);
  reply = peer_call(&agent->control, PV_KILL_WORKER, &payload);
  CHECK(reply.type == PV_ERROR && get_u32(&reply.payload, 0) == EINVAL);
  put_u32(&payload, 0);
  put_u32(&payload, 0); /* one integer too many */
  reply = peer_call(&agent->control, PV_KILL_WORKER, &payload);
  CHECK(reply.type == PV_ERROR && get_u32(&reply.payload, 0) == EINVAL);
  payload.length = 0;
  put_u32(&payload, 5);
  reply = peer_call(&agent->control, PV_KILL_WORKER, &payload);
  CHECK(reply.type == PV_ERROR && get_u32(&reply.payload, 0) == ESRCH);
  reply = peer_call(&agent->control, PV_SYSCALL, &payload);
  CHECK(reply.type == PV_ERROR && get_u32(&reply.payload, 0) == EOPNOTSUPP);
}

/* The end of the main agent is reported, and control goes on. */
static void check_main_gone(bool link) {
  struct agent_under_test agent = agent_start(link);
  send_syscall(&agent.main, 0, SYS_exit_group, 3, 0, 0);
  struct reply gone = peer_receive(&agent.control);
  CHECK(gone.type == PV_GONE && get_u32(&gone.payload, 0) == 0 && get_u32(&gone.payload, 8) == 3 << 8);
  CHECK(agent_alive(&agent.control));
  CHECK(agent_stop(&agent));
}

/* The host disconnects while the main agent blocks: the call ends, and in a test the agent too. */
static void check_host_lost(bool link) {
  struct agent_under_test agent = agent_start(link);
  send_syscall(&agent.main, 0, SYS_pause, 0, 0, 0);
  usleep(10000);
  CHECK(agent_stop(&agent));
}

void test_control(void) {
  for (int link = 0; link < 2; link++) {
    struct agent_under_test agent = agent_start(link);
    check_interrupts(&agent);
    check_command(&agent);
    check_stray_signals(&agent);
    check_bad_requests(&agent);
    CHECK(agent_stop(&agent));
    check_exact_interrupts(link);
    check_main_gone(link);
    check_host_lost(link);
  }
}
