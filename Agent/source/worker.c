/* More serving processes, forked from the main agent: SPAWN_WORKER. */
#include "descriptor.h"
#include "agent.h"
#include "internal.h"
#include "job.h"
#include "sys.h"

enum { STACK_SIZE = 262144, MEMORY_SIZE = STACK_SIZE + ((sizeof(struct agent) + 65535) / 65536) * 65536 };

/*
 * Memory of a thread-mode worker: its stack grows down towards the start of the mapping, its agent stands
 * above. The main agent frees it at the next spawn, for a worker that is gone cannot; likewise what stayed
 * open in the descriptor table that they shared.
 */
static void worker_memory_free(struct agent *worker) {
  agent_drop_session(worker);
  for (uint32_t i = 0; i < PV_MAX_JOBS; i++) {
    job_forget(&worker->jobs[i]);
  }
  descriptor_close(worker->connection.fd);
  endpoint_close(&worker->endpoint);
  buffer_free(&worker->connection.in);
  buffer_free(&worker->connection.raw);
  buffer_free(&worker->connection.out);
  buffer_free(&worker->arena);
  memory_free(&worker->memory);
  buffer_free(&worker->capture[0]);
  buffer_free(&worker->capture[1]);
  sys_unmap(worker->command_stack, COMMAND_STACK_SIZE);
  sys_unmap((uint8_t *)worker - STACK_SIZE, MEMORY_SIZE);
}

static struct agent *worker_memory_new(struct agent *agent, uint32_t number) {
  uint8_t *memory = sys_map(MEMORY_SIZE, MAP_PRIVATE);
  if (sys_pointer_errno(memory) != 0) {
    return NULL;
  }
  struct agent *worker = (struct agent *)(void *)(memory + STACK_SIZE);
  if (agent_init(worker, agent->guest, number) != 0) {
    sys_unmap(memory, MEMORY_SIZE);
    return NULL;
  }
  worker->is_thread = true;
  return worker;
}

static void reclaim_memory(struct agent *agent) {
  for (uint32_t n = 1; n <= PV_MAX_WORKERS; n++) {
    if (agent->worker_memory[n] != NULL && agent->guest->shared->slots[n].state == SLOT_FREE) {
      worker_memory_free(agent->worker_memory[n]);
      agent->worker_memory[n] = NULL;
    }
  }
}

static uint32_t claim_number(struct shared *shared) {
  for (uint32_t n = 1; n <= PV_MAX_WORKERS; n++) {
    if (shared->slots[n].state == SLOT_FREE) {
      shared->slots[n].pid = 0;
      shared->slots[n].interrupt_reason = shared->slots[n].quiesced = 0;
      shared->slots[n].state = SLOT_STARTING;
      return n;
    }
  }
  return 0;
}

/*
 * Where the host talks vsock, the worker listens for itself. Else control hands it its connections: one end
 * of a socket goes there.
 */
static int worker_endpoint(struct agent *agent, uint32_t number, struct endpoint *endpoint) {
  *endpoint = endpoint_none;
  if (!agent->connection.link) {
    endpoint->listener = endpoint_listen(agent->guest, PV_VSOCK_WORKER_BASE + number);
    if (endpoint->listener >= 0 || !agent->guest->is_test) {
      return endpoint->listener < 0 ? -endpoint->listener : 0;
    }
  }
  int ends[2];
  long result = sys_socketpair(SOCK_SEQPACKET | SOCK_CLOEXEC, ends);
  if (result < 0) {
    return (int)-result;
  }
  struct internal_message message = {
      .kind = INTERNAL_WORKER, .number = number, .count = 1, .descriptors = {ends[1]}};
  int error = -internal_send(agent->guest->control, &message);
  sys_close(ends[1]);
  endpoint->handed = descriptor_hide(ends[0]);
  return error;
}

static NO_RETURN void worker_run(struct agent *worker) {
  agent_serve(worker);
  endpoint_close(&worker->endpoint);
  sys_exit(0);
}

static void thread_main(void *argument) { worker_run(argument); }

/* A forked worker has copies of everything: hidden descriptors of others, and jobs that are not its children.
 */
static NO_RETURN void fork_main(struct agent *agent, uint32_t number, const struct endpoint *endpoint) {
  const struct guest *guest = agent->guest;
  const int kept[] = {guest->private, guest->proc,    guest->null,      guest->random,
                      guest->vsock,   guest->control, endpoint->handed, endpoint->listener};
  descriptor_close_others(kept, sizeof kept / sizeof kept[0]);
  guest_set_oom_score(guest, "0");
  memset(agent->jobs, 0, sizeof agent->jobs);
  agent->file = agent->input = -1;
  agent->connection.fd = -1;
  agent->endpoint = *endpoint;
  agent->number = number;
  agent->slot = agent->connection.slot = &guest->shared->slots[number];
  worker_run(agent);
}

/* CLONE_PARENT: control, not the main agent, is its parent, reaps it and tells the host how it ended. */
static long start_fork(struct agent *agent, uint32_t number, const struct endpoint *endpoint) {
  struct slot *slot = &agent->guest->shared->slots[number];
  long pid = sys_clone_copy(CLONE_PARENT | CLONE_PARENT_SETTID | SIGCHLD, (int *)&slot->pid);
  if (pid == 0) {
    fork_main(agent, number, endpoint);
  }
  struct endpoint own = *endpoint;
  endpoint_close(&own);
  return pid;
}

/*
 * Neither CLONE_THREAD nor CLONE_SIGHAND: memory, descriptors and working directory are shared, but
 * exit_group(2), a crash or a change of credentials is the worker's alone.
 */
static long start_thread(struct agent *agent, uint32_t number, const struct endpoint *endpoint) {
  struct agent *worker = worker_memory_new(agent, number);
  if (worker == NULL) {
    struct endpoint own = *endpoint;
    endpoint_close(&own);
    return -ENOMEM;
  }
  worker->endpoint = *endpoint;
  agent->worker_memory[number] = worker;
  struct slot *slot = &agent->guest->shared->slots[number];
  unsigned long flags = CLONE_VM | CLONE_FILES | CLONE_FS | CLONE_PARENT | CLONE_PARENT_SETTID | SIGCHLD;
  return sys_clone_call(flags, worker, (int *)&slot->pid, thread_main, worker);
}

void handle_spawn_worker(struct agent *agent, struct span payload) {
  struct connection *connection = &agent->connection;
  uint32_t flags;
  if (decode_u32(payload, &flags) != 0 || flags > PV_SPAWN_THREAD) {
    reply_error(connection, EINVAL, "malformed spawn request");
    return;
  }
  if (agent->number != 0) {
    reply_error(connection, EPERM, "only the main agent starts workers");
    return;
  }
  reclaim_memory(agent);
  uint32_t number = claim_number(agent->guest->shared);
  if (number == 0) {
    reply_error(connection, EAGAIN, "there are 32 workers already");
    return;
  }
  struct slot *slot = &agent->guest->shared->slots[number];
  struct endpoint endpoint;
  slot->is_thread = flags == PV_SPAWN_THREAD;
  long pid = -worker_endpoint(agent, number, &endpoint);
  if (pid == 0) {
    pid = flags == PV_SPAWN_THREAD ? start_thread(agent, number, &endpoint)
                                   : start_fork(agent, number, &endpoint);
  }
  if (pid < 0) {
    slot->state = SLOT_FREE;
    reply_error(connection, (int)-pid, "cannot start a worker");
    return;
  }
  uint32_t starting = SLOT_STARTING; /* unless it is gone already */
  atomic_compare_exchange_strong(&slot->state, &starting, SLOT_ALIVE);
  reply_begin(connection, PV_WORKER_STARTED);
  reply_u32(connection, number);
  reply_u32(connection, (uint32_t)pid);
  reply_send(connection);
}
