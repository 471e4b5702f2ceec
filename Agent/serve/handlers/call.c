/* SYSCALL, SYSCALL_PTR, IOCTL and IOCTL_BUF: system calls with the memory that their arguments point to. */
#include "handlers.h"
#include "reply.h"
#include "signals.h"
#include "sys.h"

#ifndef SYS_clone3 /* headers older than Linux 5.3 */
#define SYS_clone3 435
#endif

struct call {
  int64_t arguments[PV_MAX_SYSCALL_ARGS];
  uint8_t *buffers[PV_MAX_BUFFERS], *pointers[PV_MAX_POINTERS];
};

static uint8_t *call_take_memory(struct session *session, uint32_t region, const uint8_t *input,
                                 uint32_t length) {
  uint8_t *memory = call_memory_take(&session->memory, region, length);
  if (memory != NULL && input != NULL) {
    memcpy(memory, input, length);
  } else if (memory != NULL) {
    memset(memory, 0, length);
  }
  return memory;
}

/* Allocates buffers and the memory of pointers, and sets the arguments and pointers. Returns false without
 * memory. */
static bool call_build(struct session *session, const struct call_request *request, struct call *call) {
  uint32_t region = 0;
  memcpy(call->arguments, request->arguments, sizeof call->arguments);
  for (uint32_t i = 0; i < request->buffer_count; i++) {
    const struct call_buffer *buffer = &request->buffers[i];
    call->buffers[i] = call_take_memory(session, region++, buffer->input, buffer->length);
    if (call->buffers[i] == NULL) {
      return false;
    }
    call->arguments[buffer->argument] = (int64_t)(uintptr_t)call->buffers[i];
  }
  for (uint32_t i = 0; i < request->pointer_count; i++) {
    const struct call_pointer *pointer = &request->pointers[i];
    call->pointers[i] = call_take_memory(session, region++, pointer->input, pointer->length);
    if (call->pointers[i] == NULL) {
      return false;
    }
    uint64_t address = (uintptr_t)call->pointers[i];
    memcpy(call->buffers[pointer->buffer] + pointer->offset, &address, sizeof address);
  }
  return true;
}

/* A script's fork or clone creates a copy of the agent, which must not answer in its place: the copy ends. */
static void call_end_copy(uint32_t number, long result) {
  bool copies = number == SYS_clone || number == SYS_clone3;
#ifdef SYS_fork
  copies = copies || number == SYS_fork || number == SYS_vfork;
#endif
  while (copies && result == 0) {
    sys_call1(SYS_exit, 0);
  }
}

/*
 * The signal of an interruption of the previous request may arrive only now. It must not change the result of
 * this call, which is repeated. The script sees every other EINTR.
 */
static long call_kernel(struct session *session, uint32_t number, const int64_t *a) {
  if (number == SYS_exit) {
    session_exit(session, (int)a[0]); /* the end of a thread must be reported to control */
  }
  for (;;) {
    uint32_t signals = signals_interrupt_count();
    long result = sys_call6(number, a[0], a[1], a[2], a[3], a[4], a[5]);
    call_end_copy(number, result);
    if (result != -EINTR || signals_interrupt_count() == signals ||
        session_interrupted(session, INTERRUPT_CALL)) {
      return result;
    }
  }
}

void handle_call(struct session *session, const union request *request) {
  struct connection *connection = &session->connection;
  const struct call_request *wanted = &request->call;
  uint32_t regions = wanted->buffer_count + wanted->pointer_count;
  struct call call;
  /* Everything that needs memory comes before the call, because a call that was made must be answered. */
  reply_begin(connection, PV_SYSCALL_RESULT);
  if (!call_build(session, wanted, &call) ||
      reply_room(connection, sizeof(int64_t) + wanted->reply_size) == NULL) {
    call_memory_trim(&session->memory, regions);
    reply_error(connection, ENOMEM, "no memory for the buffers of the call");
    return;
  }
  reply_u64(connection, (uint64_t)call_kernel(session, wanted->number, call.arguments));
  for (uint32_t i = 0; i < wanted->buffer_count; i++) {
    reply_bytes(connection, call.buffers[i], wanted->buffers[i].length);
  }
  for (uint32_t i = 0; i < wanted->pointer_count; i++) {
    if (wanted->pointers[i].is_output) {
      reply_bytes(connection, call.pointers[i], wanted->pointers[i].length);
    }
  }
  call_memory_trim(&session->memory, regions);
  reply_send(connection);
}
