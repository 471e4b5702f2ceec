#include "agent.h"

#include "build_id.h"
#include "descriptor.h"
#include "sys.h"

int agent_init(struct agent *agent, struct guest *guest, uint32_t number) {
  *agent = (struct agent){.guest = guest,
                          .slot = &guest->shared->slots[number],
                          .number = number,
                          .input = -1,
                          .file = -1,
                          .endpoint = endpoint_none};
  void *stack = sys_map(COMMAND_STACK_SIZE, MAP_PRIVATE);
  if (sys_pointer_errno(stack) != 0) {
    return -ENOMEM;
  }
  agent->command_stack = stack;
  return connection_init(&agent->connection, agent->slot);
}

bool agent_interrupted(const struct agent *agent, uint32_t reasons) {
  return agent->slot->interrupted == agent->slot->operation && (agent->slot->interrupt_reason & reasons) != 0;
}

char *agent_copy_string(struct agent *agent, struct span text, size_t *used) {
  if (buffer_reserve(&agent->arena, *used + text.length + 1) != 0) {
    return NULL;
  }
  char *copy = (char *)agent->arena.data + *used;
  if (text.length != 0) {
    memcpy(copy, text.data, text.length);
  }
  copy[text.length] = 0;
  *used += text.length + 1;
  return copy;
}

void agent_drop_session(struct agent *agent) {
  descriptor_close(agent->file);
  descriptor_close(agent->input);
  agent->file = agent->input = -1;
}

bool agent_send_ready(struct agent *agent) {
  struct connection *connection = &agent->connection;
  reply_begin(connection, PV_READY);
  reply_u16(connection, PV_PROTOCOL_VERSION);
  reply_u16(connection, SYS_MACHINE);
  reply_u32(connection, (uint32_t)sys_getpid());
  reply_bytes(connection, agent->guest->shared->boot_nonce, PV_NONCE_SIZE);
  reply_bytes(connection, build_id, PV_BUILD_ID_SIZE);
  return reply_send(connection);
}

static void handle_echo(struct agent *agent, struct span payload) {
  reply_begin(&agent->connection, PV_DATA);
  reply_bytes(&agent->connection, payload.data, payload.length);
  reply_send(&agent->connection);
}

static void handle_message(struct agent *agent, struct message message) {
  switch (message.type) {
  case PV_SYSCALL:
  case PV_SYSCALL_PTR:
  case PV_IOCTL:
  case PV_IOCTL_BUF: handle_call(agent, message); break;
  case PV_EXEC: handle_exec(agent, message); break;
  case PV_EXEC_FULL: handle_exec_full(agent, message); break;
  case PV_STDIN: handle_stdin(agent, message.payload); break;
  case PV_EXEC_ASYNC: handle_exec_async(agent, message.payload); break;
  case PV_JOB_WAIT: handle_job_wait(agent, message.payload); break;
  case PV_JOB_KILL: handle_job_kill(agent, message.payload); break;
  case PV_JOB_COLLECT: handle_job_collect(agent, message.payload); break;
  case PV_WRITE_FILE:
  case PV_WRITE_PIECE: handle_write(agent, message); break;
  case PV_READ_FILE: handle_read_file(agent, message.payload); break;
  case PV_READ_STREAM: handle_read_stream(agent, message.payload); break;
  case PV_STAT: handle_stat(agent, message.payload); break;
  case PV_LIST: handle_list(agent, message.payload); break;
  case PV_KERNEL_LOG: handle_kernel_log(agent, message.payload); break;
  case PV_MOUNT_VFS: handle_mount_vfs(agent, message.payload); break;
  case PV_MOUNT: handle_mount(agent, message.payload); break;
  case PV_SPAWN_WORKER: handle_spawn_worker(agent, message.payload); break;
  case PV_RESUME: handle_resume(agent, message.payload); break;
  case PV_QUIESCE: handle_quiesce(agent, message.payload); break;
  case PV_STATE: handle_state(agent, message.payload); break;
  case PV_SHUTDOWN: handle_shutdown(agent, message.payload); break;
  case PV_ECHO: handle_echo(agent, message.payload); break;
  default: {
    struct text text = {.length = 0};
    text_add(&text, "unknown request type ");
    text_add_number(&text, message.type);
    reply_error(&agent->connection, EOPNOTSUPP, text.data);
  }
  }
}

static void serve_connection(struct agent *agent) {
  struct connection *connection = &agent->connection;
  struct slot *slot = agent->slot;
  struct message message;
  slot->base = slot->operation;
  if (!connection->restarted && !agent_send_ready(agent)) {
    return;
  }
  for (;;) {
    switch (connection_receive(connection, &message)) {
    case RECEIVE_ENDED: return;
    case RECEIVE_RESTARTED:
      agent_drop_session(agent);
      slot->base = slot->operation;
      agent_send_ready(agent);
      break;
    case RECEIVE_MESSAGE:
      slot->quiesced = 0;
      slot->operation++;
      handle_message(agent, message);
      slot->operation++;
      connection_settle(connection);
      buffer_trim(&agent->arena, 1 << 20);
    }
  }
}

void agent_serve(struct agent *agent) {
  while (endpoint_wait(&agent->endpoint, agent->guest, &agent->connection)) {
    serve_connection(agent);
    agent_drop_session(agent);
    endpoint_release(&agent->endpoint, &agent->connection);
    /* A worker lives for one connection, unless that one went away with a snapshot. */
    if (agent->number != 0 && !agent->slot->quiesced) {
      break;
    }
  }
}
