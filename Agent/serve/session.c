#include "session.h"

#include "descriptor.h"
#include "handoff.h"
#include "job_table.h"

int session_init(struct session *session, struct environment *environment, uint32_t number) {
  *session = (struct session){.environment = environment,
                              .slot = &environment->table->slots[number],
                              .number = number,
                              .input = -1,
                              .file = -1,
                              .endpoint = endpoint_none};
  void *stack = sys_map(COMMAND_STACK_SIZE, MAP_PRIVATE);
  if (sys_pointer_errno(stack) != 0) {
    return -ENOMEM;
  }
  session->command_stack = stack;
  return connection_init(&session->connection, session->slot);
}

void session_free(struct session *session) {
  session_reset(session);
  for (uint32_t i = 0; i < PV_MAX_JOBS; i++) {
    job_forget(&session->jobs[i]);
  }
  descriptor_close(session->connection.fd);
  endpoint_close(&session->endpoint);
  connection_free(&session->connection);
  buffer_free(&session->arena);
  call_memory_free(&session->memory);
  if (session->command_stack != NULL) {
    sys_unmap(session->command_stack, COMMAND_STACK_SIZE);
  }
}

NO_RETURN void session_exit(struct session *session, int status) {
  if (session->number == 0 || session->slot->kind != PV_SPAWN_THREAD) {
    sys_exit(status);
  }
  struct handoff_message message = {.kind = HANDOFF_ENDING, .number = session->number};
  descriptor_close(session->connection.fd); /* the other threads would keep it open */
  session->connection.fd = -1;
  endpoint_close(&session->endpoint);
  session->slot->exit_status = (uint32_t)(status & 0xff) << 8;
  session->slot->must_end = 1; /* control checks the slot repeatedly until the thread has ended */
  handoff_send(session->environment->control, &message);
  sys_exit_thread(status);
}

bool session_interrupted(const struct session *session, uint32_t reasons) {
  return session->slot->interrupted == session->slot->operation &&
         (session->slot->interrupt_reason & reasons) != 0;
}

char *session_copy_string(struct session *session, struct span text, size_t *used) {
  if (buffer_reserve(&session->arena, *used + text.length + 1) != 0) {
    return NULL;
  }
  char *copy = (char *)session->arena.data + *used;
  if (text.length != 0) {
    memcpy(copy, text.data, text.length);
  }
  copy[text.length] = 0;
  *used += text.length + 1;
  return copy;
}

void session_reset(struct session *session) {
  descriptor_close(session->file);
  descriptor_close(session->input);
  session->file = session->input = -1;
}
