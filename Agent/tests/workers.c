/* Workers of every kind over the link's channels. */
#include <signal.h>
#include <sys/syscall.h>
#include <sys/wait.h>

#include "harness.h"

enum { PATIENCE_MS = 5000 };

static uint32_t spawn_worker(struct agent_under_test *agent, uint32_t flags, int *pid) {
  struct bytes payload = {0};
  put_u32(&payload, flags);
  struct reply reply = peer_call(&agent->main, PV_SPAWN_WORKER, &payload);
  if (reply.type != PV_WORKER_STARTED) {
    return 0;
  }
  uint32_t number = get_u32(&reply.payload, 0);
  *pid = (int)get_u32(&reply.payload, 4);
  agent->control.closed[number] = false;
  agent->control.messages[number].length = 0;
  return number;
}

static bool connect_worker(struct agent_under_test *agent, uint32_t number) {
  peer_send_frame(&agent->control, PV_LINK_OPEN, (uint16_t)number, NULL, 0);
  return peer_receive_on(&agent->control, (uint16_t)number, PATIENCE_MS).type == PV_READY;
}

/* The end of a worker: its connection is closed, then the control connection reports it. */
static bool worker_ends(struct agent_under_test *agent, uint32_t number, int pid, int *status) {
  struct reply gone = peer_receive_on(&agent->control, 0, PATIENCE_MS);
  *status = (int)get_u32(&gone.payload, 8);
  return gone.type == PV_GONE && get_u32(&gone.payload, 0) == number &&
         get_u32(&gone.payload, 4) == (uint32_t)pid && agent->control.closed[number];
}

/* Also of a worker whose number an earlier one had that ended during a request. */
static void check_interrupt(struct agent_under_test *agent, uint32_t number) {
  struct bytes payload = {0};
  put_u32(&payload, number);
  put_u32(&payload, 0);
  put_u32(&payload, 1);
  send_syscall(&agent->control, (uint16_t)number, SYS_pause, 0, 0, 0);
  peer_request(&agent->control, PV_INTERRUPT, &payload);
  struct reply reply = peer_receive_on(&agent->control, (uint16_t)number, PATIENCE_MS);
  CHECK(reply.type == PV_SYSCALL_RESULT && result_of(&reply) == -EINTR);
}

static void check_ends(uint32_t flags) {
  struct agent_under_test agent = agent_start(true);
  int pid, status;
  uint32_t number = spawn_worker(&agent, flags, &pid);
  CHECK(number == 1 && pid > 0 && connect_worker(&agent, number));
  struct reply reply = call_syscall(&agent.control, 1, SYS_getpid, 0, 0, 0);
  CHECK(result_of(&reply) == pid);

  send_syscall(&agent.control, 1, SYS_exit_group, 7, 0, 0);
  CHECK(worker_ends(&agent, 1, pid, &status) && WIFEXITED(status) && WEXITSTATUS(status) == 7);
  CHECK(agent_alive(&agent.main));

  number = spawn_worker(&agent, flags, &pid); /* the number is free again */
  CHECK(number == 1 && connect_worker(&agent, number));
  check_interrupt(&agent, number);
  send_syscall(&agent.control, 1, SYS_kill, pid, SIGSEGV, 0);
  CHECK(worker_ends(&agent, 1, pid, &status) && WIFSIGNALED(status) && WTERMSIG(status) == SIGSEGV);
  CHECK(agent_alive(&agent.main));

  number = spawn_worker(&agent, flags, &pid);
  CHECK(connect_worker(&agent, number));
  send_syscall(&agent.control, 1, SYS_pause, 0, 0, 0);
  struct bytes payload = {0};
  put_u32(&payload, number);
  put_u32(&payload, (uint32_t)pid + 1); /* not the pid of this worker */
  reply = peer_call(&agent.control, PV_KILL_WORKER, &payload);
  CHECK(reply.type == PV_ERROR && get_u32(&reply.payload, 0) == ESRCH && kill(pid, 0) == 0);
  payload.length = 0;
  put_u32(&payload, number);
  put_u32(&payload, (uint32_t)pid);
  peer_request(&agent.control, PV_KILL_WORKER, &payload);
  CHECK(worker_ends(&agent, 1, pid, &status) && WIFSIGNALED(status) && WTERMSIG(status) == SIGKILL);
  CHECK(peer_receive(&agent.control).type == PV_DONE);

  number = spawn_worker(&agent, flags, &pid);
  CHECK(connect_worker(&agent, number));
  peer_send_frame(&agent.control, PV_LINK_CLOSE, (uint16_t)number, NULL,
                  0); /* the worker ends with its connection */
  struct reply gone = peer_receive(&agent.control);
  CHECK(gone.type == PV_GONE && get_u32(&gone.payload, 8) == 0);
  CHECK(agent_alive(&agent.main));
  CHECK(agent_stop(&agent));
}

static struct reply kill_worker(struct agent_under_test *agent, uint32_t number, int pid) {
  struct bytes payload = {0};
  put_u32(&payload, number);
  put_u32(&payload, (uint32_t)pid);
  peer_request(&agent->control, PV_KILL_WORKER, &payload);
  return peer_receive(&agent->control);
}

/* A thread ends alone by exit(2), by KILL_WORKER and with its connection, whatever it is doing. */
static void check_thread_ends(void) {
  struct agent_under_test agent = agent_start(true);
  struct reply main_pid = call_syscall(&agent.main, 0, SYS_getpid, 0, 0, 0);
  char task[64];
  int pid, status;
  uint32_t number = spawn_worker(&agent, PV_SPAWN_THREAD, &pid);
  CHECK(number == 1 && connect_worker(&agent, number));
  snprintf(task, sizeof task, "/proc/%d/task/%d", (int)result_of(&main_pid), pid);
  CHECK(access(task, F_OK) == 0);
  send_syscall(&agent.control, 1, SYS_exit, 7, 0, 0);
  CHECK(worker_ends(&agent, 1, pid, &status) && status == 7 << 8);
  CHECK(access(task, F_OK) != 0);

  for (int busy = 0; busy < 3; busy++) { /* idle, in a blocking call, in a command */
    number = spawn_worker(&agent, PV_SPAWN_THREAD, &pid);
    CHECK(number == 1 && connect_worker(&agent, number));
    struct bytes command = exec_payload("sleep 100", 0, 0);
    if (busy == 1) {
      send_syscall(&agent.control, 1, SYS_pause, 0, 0, 0);
    } else if (busy == 2) {
      peer_request_on(&agent.control, 1, PV_EXEC_FULL, &command);
    }
    usleep(10000);
    CHECK(kill_worker(&agent, 1, pid + 1).type == PV_ERROR);
    struct reply gone = kill_worker(&agent, 1, pid);
    CHECK(gone.type == PV_GONE && get_u32(&gone.payload, 4) == (uint32_t)pid);
    CHECK(peer_receive(&agent.control).type == PV_DONE);
    CHECK(agent_alive(&agent.main));
  }
  number = spawn_worker(&agent, PV_SPAWN_THREAD, &pid); /* before it has a connection */
  CHECK(kill_worker(&agent, 1, pid).type == PV_GONE && peer_receive(&agent.control).type == PV_DONE);

  number = spawn_worker(&agent, PV_SPAWN_THREAD, &pid);
  CHECK(connect_worker(&agent, number));
  peer_send_frame(&agent.control, PV_LINK_CLOSE, (uint16_t)number, NULL, 0);
  CHECK(peer_receive(&agent.control).type == PV_GONE);
  CHECK(agent_alive(&agent.main));
  CHECK(agent_stop(&agent));
}

/* exit_group(2) and a fatal signal in a thread end the main agent too, and both are reported. */
static void check_thread_ends_all(bool by_signal) {
  struct agent_under_test agent = agent_start(true);
  int pid, status;
  uint32_t number = spawn_worker(&agent, PV_SPAWN_THREAD, &pid);
  CHECK(connect_worker(&agent, number));
  if (by_signal) {
    send_syscall(&agent.control, 1, SYS_tkill, pid, SIGSEGV, 0);
  } else {
    send_syscall(&agent.control, 1, SYS_exit_group, 7, 0, 0);
  }
  CHECK(worker_ends(&agent, 1, pid, &status));
  CHECK((status & ~0xffff) == PV_GONE_WITH_PROCESS);
  CHECK((status & 0xffff) == (by_signal ? SIGSEGV : 7 << 8));
  struct reply gone = peer_receive(&agent.control);
  CHECK(gone.type == PV_GONE && get_u32(&gone.payload, 0) == 0);
  CHECK(get_u32(&gone.payload, 8) == (by_signal ? SIGSEGV : 7u << 8));
  CHECK(agent_alive(&agent.control));
  CHECK(agent_stop(&agent));
}

/* What a worker shares with the main agent, and what it does not share. */
static void check_sharing(uint32_t flags) {
  struct agent_under_test agent = agent_start(true);
  int pid;
  uint32_t number = spawn_worker(&agent, flags, &pid);
  CHECK(connect_worker(&agent, number));
  struct reply opened = call_syscall(&agent.main, 0, SYS_dup, 1, 0, 0);
  struct reply seen = call_syscall(&agent.control, (uint16_t)number, SYS_dup, result_of(&opened), 0, 0);
  CHECK((result_of(&seen) >= 0) == (flags != PV_SPAWN_FORK));
  struct reply main_pid = call_syscall(&agent.main, 0, SYS_getpid, 0, 0, 0);
  struct reply worker_pid = call_syscall(&agent.control, (uint16_t)number, SYS_getpid, 0, 0, 0);
  struct reply worker_tid = call_syscall(&agent.control, (uint16_t)number, SYS_gettid, 0, 0, 0);
  CHECK(result_of(&worker_tid) == pid);
  CHECK((result_of(&worker_pid) == result_of(&main_pid)) == (flags == PV_SPAWN_THREAD));
  /* Each has its own credentials: those of the worker change, those of the main agent do not. */
  struct reply before = call_syscall(&agent.main, 0, SYS_getuid, 0, 0, 0);
  if (result_of(&before) == 0) {
    struct reply set = call_syscall(&agent.control, (uint16_t)number, SYS_setuid, 1000, 0, 0);
    CHECK(result_of(&set) == 0);
    struct reply after = call_syscall(&agent.main, 0, SYS_getuid, 0, 0, 0);
    CHECK(result_of(&after) == 0);
    after = call_syscall(&agent.control, (uint16_t)number, SYS_getuid, 0, 0, 0);
    CHECK(result_of(&after) == 1000);
  }
  CHECK(agent_stop(&agent));
}

/* A worker's request can have the full size; other workers are served meanwhile. */
static void check_traffic(uint32_t flags) {
  struct agent_under_test agent = agent_start(true);
  int pid;
  uint16_t first = (uint16_t)spawn_worker(&agent, flags, &pid),
           second = (uint16_t)spawn_worker(&agent, flags, &pid);
  CHECK(connect_worker(&agent, first) && connect_worker(&agent, second));
  struct bytes large = {0};
  for (uint32_t i = 0; i < 1000000; i++) {
    put_u32(&large, i);
  }
  peer_request_on(&agent.control, first, PV_ECHO, &large);
  struct bytes small = text_payload("small");
  peer_request_on(&agent.control, second, PV_ECHO, &small);
  CHECK(peer_receive_on(&agent.control, second, PATIENCE_MS).payload.length == 5);
  struct reply reply = peer_receive_on(&agent.control, first, PATIENCE_MS);
  CHECK(reply.payload.length == large.length && memcmp(reply.payload.data, large.data, large.length) == 0);
  struct bytes payload = text_payload("echo job; sleep 100");
  peer_request_on(&agent.control, first, PV_EXEC_ASYNC, &payload);
  reply = peer_receive_on(&agent.control, first, PATIENCE_MS);
  CHECK(reply.type == PV_JOB_STARTED);
  pid_t job = (pid_t)get_u32(&reply.payload, 4);
  CHECK(kill(job, 0) == 0);
  send_syscall(&agent.control, first, SYS_exit, 0, 0, 0);
  CHECK(peer_receive(&agent.control).type == PV_GONE);
  char state = 'R';
  for (long end = now_ms() + 2000; state != 'Z' && state != 'X' && now_ms() < end; usleep(1000)) {
    state = process_state(job);
  }
  CHECK(state == 'Z' || state == 'X'); /* the jobs of a worker end with it */
  CHECK(agent_stop(&agent));
}

static struct reply job_collect(struct agent_under_test *agent, uint16_t worker, uint32_t job,
                                struct bytes *out) {
  struct bytes payload = {0};
  put_u32(&payload, job);
  put_u32(&payload, 5000);
  put_u32(&payload, 0);
  struct peer *peer = worker == 0 ? &agent->main : &agent->control;
  peer_request_on(peer, worker, PV_JOB_COLLECT, &payload);
  struct reply reply = peer_receive_on(peer, worker, PATIENCE_MS);
  while (reply.type == PV_OUTPUT) {
    put(out, reply.payload.data + 1, reply.payload.length - 1);
    reply = peer_receive_on(peer, worker, PATIENCE_MS);
  }
  return reply;
}

static uint32_t job_start(struct agent_under_test *agent, uint16_t worker, const char *command) {
  struct bytes payload = text_payload(command);
  struct peer *peer = worker == 0 ? &agent->main : &agent->control;
  peer_request_on(peer, worker, PV_EXEC_ASYNC, &payload);
  struct reply reply = peer_receive_on(peer, worker, PATIENCE_MS);
  return reply.type == PV_JOB_STARTED ? get_u32(&reply.payload, 0) : 0;
}

/* All processes share the table: results that the main agent has read make room for a worker's jobs. */
static void check_jobs(uint32_t flags) {
  struct agent_under_test agent = agent_start(true);
  int pid, status;
  uint16_t number = (uint16_t)spawn_worker(&agent, flags, &pid);
  CHECK(connect_worker(&agent, number));
  uint32_t first = job_start(&agent, 0, "exit 1");
  CHECK(job_collect(&agent, 0, first, NULL).type == PV_JOB_DONE);
  for (uint32_t i = 1; i < PV_MAX_JOBS; i++) {
    CHECK(job_collect(&agent, 0, job_start(&agent, 0, "exit 0"), NULL).type == PV_JOB_DONE);
  }
  struct bytes out = {0};
  uint32_t job = job_start(&agent, number, "sleep 1111 & echo $!; exit 3");
  struct reply reply = job_collect(&agent, number, job, &out);
  CHECK(reply.type == PV_JOB_DONE && get_u32(&reply.payload, 1) == 3);
  CHECK(job_collect(&agent, 0, first, NULL).type == PV_ERROR);
  CHECK(job_collect(&agent, 0, job, NULL).type == PV_ERROR); /* a job of another process */
  put_u8(&out, 0);
  pid_t sleeper = (pid_t)atoi((char *)out.data);
  CHECK(sleeper > 0 && kill(sleeper, 0) == 0);
  /* The processes of a worker's jobs end with it, even if the job's shell has ended before. */
  send_syscall(&agent.control, number, SYS_exit, 0, 0, 0);
  CHECK(worker_ends(&agent, number, pid, &status));
  char state = 'R';
  for (long end = now_ms() + 2000; state != 'Z' && state != 'X' && now_ms() < end; usleep(1000)) {
    state = process_state(sleeper);
  }
  CHECK(state == 'Z' || state == 'X');
  CHECK(job_start(&agent, 0, "exit 0") != 0);
  CHECK(agent_stop(&agent));
}

static void check_many(void) {
  struct agent_under_test agent = agent_start(true);
  int pid;
  for (uint32_t i = 1; i <= PV_MAX_WORKERS; i++) {
    CHECK(spawn_worker(&agent, i % 3, &pid) == i);
    CHECK(connect_worker(&agent, i));
  }
  struct bytes payload = {0};
  put_u32(&payload, PV_SPAWN_FORK);
  struct reply reply = peer_call(&agent.main, PV_SPAWN_WORKER, &payload);
  CHECK(reply.type == PV_ERROR && get_u32(&reply.payload, 0) == EAGAIN);
  struct bytes worker = text_payload("hello");
  for (uint16_t i = 1; i <= PV_MAX_WORKERS; i++) {
    peer_request_on(&agent.control, i, PV_ECHO, &worker);
  }
  for (uint16_t i = 1; i <= PV_MAX_WORKERS; i++) {
    CHECK(peer_receive_on(&agent.control, i, PATIENCE_MS).type == PV_DATA);
  }
  struct reply state = peer_call(&agent.main, PV_STATE, NULL);
  CHECK(get_u32(&state.payload, 8) == PV_MAX_WORKERS);
  peer_request_on(&agent.control, 3, PV_SPAWN_WORKER, &payload);
  CHECK(peer_receive_on(&agent.control, 3, PATIENCE_MS).type == PV_ERROR);
  for (uint32_t i = 1; i <= PV_MAX_WORKERS; i++) {
    struct bytes number = {0};
    put_u32(&number, i);
    peer_request(&agent.control, PV_KILL_WORKER, &number);
    CHECK(peer_receive(&agent.control).type == PV_GONE);
    CHECK(peer_receive(&agent.control).type == PV_DONE);
  }
  CHECK(spawn_worker(&agent, PV_SPAWN_THREAD, &pid) == 1 && connect_worker(&agent, 1));
  CHECK(agent_stop(&agent));
}

/* After QUIESCE a worker waits for its next connection, as after a snapshot. */
static void check_quiesce(uint32_t flags) {
  struct agent_under_test agent = agent_start(true);
  int pid;
  uint16_t number = (uint16_t)spawn_worker(&agent, flags, &pid);
  CHECK(connect_worker(&agent, number));
  peer_request_on(&agent.control, number, PV_QUIESCE, NULL);
  CHECK(peer_receive_on(&agent.control, number, PATIENCE_MS).type == PV_DONE);
  CHECK(peer_call(&agent.main, PV_QUIESCE, NULL).type == PV_DONE);
  CHECK(peer_call(&agent.control, PV_QUIESCE, NULL).type == PV_DONE);
  CHECK(peer_hello(&agent.control) && peer_receive(&agent.control).type == PV_READY);
  CHECK(peer_hello(&agent.main) && peer_receive(&agent.main).type == PV_READY);
  CHECK(connect_worker(&agent, number));
  struct reply reply = call_syscall(&agent.control, number, SYS_gettid, 0, 0, 0);
  CHECK(result_of(&reply) == pid);
  /* Without QUIESCE the worker ends with the host's connection. */
  CHECK(peer_hello(&agent.control) && peer_receive(&agent.control).type == PV_READY);
  struct reply gone = peer_receive(&agent.control);
  CHECK(gone.type == PV_GONE && get_u32(&gone.payload, 4) == (uint32_t)pid);
  peer_send_frame(&agent.control, PV_LINK_OPEN, number, NULL, 0);
  CHECK(peer_receive_on(&agent.control, number, PATIENCE_MS).type == -1);
  CHECK(agent_stop(&agent));
}

void test_workers(void) {
  check_ends(PV_SPAWN_FORK);
  check_ends(PV_SPAWN_SHARED);
  check_thread_ends();
  check_thread_ends_all(false);
  check_thread_ends_all(true);
  for (uint32_t flags = PV_SPAWN_FORK; flags <= PV_SPAWN_SHARED; flags++) {
    check_sharing(flags);
    check_traffic(flags);
    check_jobs(flags);
    check_quiesce(flags);
  }
  check_many();
}
