/* SPAWN_WORKER: further serving processes, copied from the main agent. */
#include "descriptor.h"
#include "handlers.h"
#include "handoff.h"
#include "job_table.h"
#include "listener.h"
#include "reply.h"
#include "sys.h"

enum {
  STACK_SIZE = 262144,
  PAGE_MULTIPLE = 65536,
  SESSION_SIZE = (sizeof(struct session) + PAGE_MULTIPLE - 1) / PAGE_MULTIPLE * PAGE_MULTIPLE,
  MEMORY_SIZE = STACK_SIZE + SESSION_SIZE,
};

/* ---- memory of workers in this memory ------------------------------------------------------- */

/*
 * Memory of a worker that is not a copy: its stack grows down to the start of the mapping, its session is
 * above the stack. A worker that is gone cannot free it, and not what stays open in the shared descriptor
 * table. The main agent does so at the next spawn.
 */
static void worker_memory_free(struct session *worker) {
  session_free(worker);
  sys_unmap((uint8_t *)worker - STACK_SIZE, MEMORY_SIZE);
}

static struct session *worker_memory_new(struct session *session, uint32_t number) {
  uint8_t *memory = sys_map(MEMORY_SIZE, MAP_PRIVATE);
  if (sys_pointer_errno(memory) != 0) {
    return NULL;
  }
  struct session *worker = (struct session *)(void *)(memory + STACK_SIZE);
  if (session_init(worker, session->environment, number) != 0) {
    worker_memory_free(worker);
    return NULL;
  }
  worker->serve = session->serve;
  return worker;
}

static void worker_memory_reclaim(struct session *session) {
  for (uint32_t n = 1; n <= PV_MAX_WORKERS; n++) {
    if (session->sharers[n] != NULL && session->environment->table->slots[n].state == SLOT_FREE) {
      worker_memory_free(session->sharers[n]);
      session->sharers[n] = NULL;
    }
  }
}

/* ---- start ---------------------------------------------------------------------------------- */

/* Returns 0 when all numbers are taken. */
static uint32_t worker_claim_number(struct process_table *table) {
  for (uint32_t n = 1; n <= PV_MAX_WORKERS; n++) {
    struct slot *slot = &table->slots[n];
    if (slot->state == SLOT_FREE) {
      slot->pid = 0;
      slot->interrupt_reason = slot->quiesced = slot->must_end = slot->exit_status = 0;
      slot->running = 0;
      slot->operation += slot->operation % 2; /* the last worker may have ended during a request */
      slot->state = SLOT_STARTING;
      return n;
    }
  }
  return 0;
}

/* Over a serial port, control passes the worker its connections. Control gets the other end of a socket. */
static int worker_open_handoff(struct session *session, uint32_t number, struct endpoint *endpoint) {
  int ends[2];
  long result = sys_socketpair(SOCK_SEQPACKET | SOCK_CLOEXEC, ends);
  if (result < 0) {
    return (int)-result;
  }
  struct handoff_message message = {
      .kind = HANDOFF_WORKER, .number = number, .count = 1, .descriptors = {ends[1]}};
  int error = -handoff_send(session->environment->control, &message);
  sys_close(ends[1]);
  endpoint->handed = descriptor_hide(ends[0]);
  return error;
}

/* Over vsock the worker listens on a port of its own. */
static int worker_open_endpoint(struct session *session, uint32_t number, struct endpoint *endpoint) {
  *endpoint = endpoint_none;
  if (session->connection.link) {
    return worker_open_handoff(session, number, endpoint);
  }
  endpoint->listener = listener_open(session->environment, PV_VSOCK_WORKER_BASE + number);
  if (endpoint->listener >= 0) {
    return 0;
  }
  return session->environment->is_test ? worker_open_handoff(session, number, endpoint) : -endpoint->listener;
}

static NO_RETURN void worker_run(struct session *worker) {
  worker->serve(worker);
  endpoint_close(&worker->endpoint);
  session_exit(worker, 0);
}

static void worker_shared_main(void *argument) { worker_run(argument); }

/* A forked worker has copies of everything. It drops the hidden descriptors and jobs of the main agent. */
static NO_RETURN void worker_fork_main(struct session *session, uint32_t number,
                                       const struct endpoint *endpoint) {
  const struct environment *environment = session->environment;
  const int kept[] = {environment->private, environment->proc,    environment->null, environment->random,
                      environment->vsock,   environment->control, endpoint->handed,  endpoint->listener};
  descriptor_close_others(kept, sizeof kept / sizeof kept[0]);
  environment_set_oom_score(environment, "0");
  memset(session->jobs, 0, sizeof session->jobs);
  session->file = session->input = -1;
  session->connection.fd = -1;
  session->endpoint = *endpoint;
  session->number = number;
  session->slot = session->connection.slot = &environment->table->slots[number];
  worker_run(session);
}

/* CLONE_PARENT makes it a child of control, which reaps it and reports its end to the host. */
static long worker_start_fork(struct session *session, uint32_t number, const struct endpoint *endpoint) {
  struct slot *slot = &session->environment->table->slots[number];
  long pid = sys_clone_copy(CLONE_PARENT | CLONE_PARENT_SETTID | SIGCHLD, (int *)&slot->pid);
  if (pid == 0) {
    worker_fork_main(session, number, endpoint);
  }
  struct endpoint own = *endpoint;
  endpoint_close(&own);
  return pid;
}

/*
 * A thread is one of the main agent's process. A task of the kind SHARED has neither CLONE_THREAD nor
 * CLONE_SIGHAND: it shares memory, descriptors and working directory too, but exit_group(2) and a crash
 * concern the task alone. Credentials are each task's own in both.
 */
static long worker_start_shared(struct session *session, uint32_t number, uint32_t kind,
                                const struct endpoint *endpoint) {
  enum { SHARED = CLONE_VM | CLONE_FILES | CLONE_FS | CLONE_PARENT_SETTID };
  struct session *worker = worker_memory_new(session, number);
  if (worker == NULL) {
    struct endpoint own = *endpoint;
    endpoint_close(&own);
    return -ENOMEM;
  }
  worker->endpoint = *endpoint;
  session->sharers[number] = worker;
  struct slot *slot = &session->environment->table->slots[number];
  unsigned long flags = SHARED;
  if (kind == PV_SPAWN_THREAD) {
    slot->running = (int32_t)number;
    flags |= CLONE_SIGHAND | CLONE_THREAD | CLONE_SYSVSEM | CLONE_CHILD_CLEARTID;
  } else {
    flags |= CLONE_PARENT | SIGCHLD;
  }
  return sys_clone_call(flags, worker, (int *)&slot->pid, (int *)&slot->running, worker_shared_main, worker);
}

/* Returns the worker's pid or -errno. */
static long worker_start(struct session *session, uint32_t number, uint32_t kind) {
  struct endpoint endpoint;
  int error = worker_open_endpoint(session, number, &endpoint);
  if (error != 0) {
    return -error;
  }
  return kind == PV_SPAWN_FORK ? worker_start_fork(session, number, &endpoint)
                               : worker_start_shared(session, number, kind, &endpoint);
}

static void worker_refuse(struct session *session, uint32_t kind, int error) {
  struct text text = {.length = 0};
  text_add(&text, "cannot start a worker");
  if (kind == PV_SPAWN_THREAD && error == EINVAL) {
    text_add(&text, ": a process that has called unshare(CLONE_NEWPID) cannot start threads");
  }
  reply_error(&session->connection, error, text.data);
}

void handle_spawn_worker(struct session *session, const union request *request) {
  struct connection *connection = &session->connection;
  if (session->number != 0) {
    reply_error(connection, EPERM, "only the main agent starts workers");
    return;
  }
  worker_memory_reclaim(session);
  uint32_t number = worker_claim_number(session->environment->table);
  if (number == 0) {
    struct text text = {.length = 0};
    text_add(&text, "the limit of ");
    text_add_number(&text, PV_MAX_WORKERS);
    text_add(&text, " workers is reached");
    reply_error(connection, EAGAIN, text.data);
    return;
  }
  struct slot *slot = &session->environment->table->slots[number];
  slot->kind = request->spawn_kind;
  long pid = worker_start(session, number, request->spawn_kind);
  if (pid < 0) {
    slot->state = SLOT_FREE;
    worker_refuse(session, request->spawn_kind, (int)-pid);
    return;
  }
  uint32_t starting = SLOT_STARTING; /* control has freed the slot if the worker is already gone */
  atomic_compare_exchange_strong(&slot->state, &starting, SLOT_ALIVE);
  reply_begin(connection, PV_WORKER_STARTED);
  reply_u32(connection, number);
  reply_u32(connection, (uint32_t)pid);
  reply_send(connection);
}
