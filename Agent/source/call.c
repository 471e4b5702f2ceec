/* System calls and ioctls as the script asked for them, with the memory they point to. */
#include "agent.h"
#include "interrupt.h"
#include "sys.h"

static uint8_t *take(struct agent *agent, uint32_t region, const uint8_t *input, uint32_t length) {
  uint8_t *memory = memory_take(&agent->memory, region, length);
  if (memory != NULL && input != NULL) {
    memcpy(memory, input, length);
  } else if (memory != NULL) {
    memset(memory, 0, length);
  }
  return memory;
}

/* Buffers, then what is pointed to; arguments and pointers get their addresses. False without memory. */
static bool build(struct agent *agent, struct call_request *request, uint8_t *buffers[],
                  uint8_t *pointers[]) {
  uint32_t region = 0;
  for (uint32_t i = 0; i < request->buffer_count; i++) {
    struct call_buffer *buffer = &request->buffers[i];
    buffers[i] = take(agent, region++, buffer->input, buffer->length);
    if (buffers[i] == NULL) {
      return false;
    }
    request->arguments[buffer->argument] = (int64_t)(uintptr_t)buffers[i];
  }
  for (uint32_t i = 0; i < request->pointer_count; i++) {
    struct call_pointer *pointer = &request->pointers[i];
    pointers[i] = take(agent, region++, pointer->input, pointer->length);
    if (pointers[i] == NULL) {
      return false;
    }
    uint64_t address = (uintptr_t)pointers[i];
    memcpy(buffers[pointer->buffer] + pointer->offset, &address, sizeof address);
  }
  return true;
}

/* A child of the agent that returned here would answer in its parent's place; it has nothing to do and ends.
 */
static void end_copy(uint32_t number, long result) {
  bool copies = number == SYS_clone || number == 435 /* clone3 */;
#ifdef SYS_fork
  copies = copies || number == SYS_fork || number == SYS_vfork;
#endif
  while (copies && result == 0) {
    sys_call1(SYS_exit, 0);
  }
}

/*
 * The host's interruption of the request before this one may arrive only now. Such a signal is not part of
 * the test: the call is made again. Every other EINTR is what the script asked to see.
 */
static long call_kernel(const struct agent *agent, const struct call_request *request) {
  const int64_t *a = request->arguments;
  for (;;) {
    uint32_t signals = interrupt_count();
    long result = sys_call6(request->number, a[0], a[1], a[2], a[3], a[4], a[5]);
    end_copy(request->number, result);
    if (result != -EINTR || interrupt_count() == signals || agent_interrupted(agent, INTERRUPT_CALL)) {
      return result;
    }
  }
}

void handle_call(struct agent *agent, struct message message) {
  struct connection *connection = &agent->connection;
  struct call_request request;
  int error = decode_call(message.type, message.payload, SYS_ioctl, &request);
  if (error != 0) {
    reply_error(connection, error,
                error == EMSGSIZE ? "the buffers are larger than a reply can be"
                                  : "malformed system call or ioctl request");
    return;
  }
  /* Everything that can fail for want of memory comes before the call: a call that was made is answered. */
  uint8_t *buffers[PV_MAX_BUFFERS], *pointers[PV_MAX_POINTERS];
  reply_begin(connection, PV_SYSCALL_RESULT);
  if (!build(agent, &request, buffers, pointers) ||
      reply_room(connection, sizeof(int64_t) + request.reply_size) == NULL) {
    memory_trim(&agent->memory, request.buffer_count + request.pointer_count);
    reply_error(connection, ENOMEM, "no memory for the buffers of the call");
    return;
  }
  reply_u64(connection, (uint64_t)call_kernel(agent, &request));
  for (uint32_t i = 0; i < request.buffer_count; i++) {
    reply_bytes(connection, buffers[i], request.buffers[i].length);
  }
  for (uint32_t i = 0; i < request.pointer_count; i++) {
    if (request.pointers[i].is_output) {
      reply_bytes(connection, pointers[i], request.pointers[i].length);
    }
  }
  memory_trim(&agent->memory, request.buffer_count + request.pointer_count);
  reply_send(connection);
}
