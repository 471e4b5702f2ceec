/* System calls and ioctls as the script asked for them, with the memory they point to. */
#include "agent.h"
#include "interrupt.h"
#include "sys.h"

enum { ALIGNMENT = 16 };

static size_t size_aligned(size_t size) { return (size + ALIGNMENT - 1) / ALIGNMENT * ALIGNMENT; }

static size_t arena_size(const struct call_request *request) {
  size_t size = 0;
  for (uint32_t i = 0; i < request->buffer_count; i++) {
    size += size_aligned(request->buffers[i].length);
  }
  for (uint32_t i = 0; i < request->pointer_count; i++) {
    size += size_aligned(request->pointers[i].length);
  }
  return size;
}

static uint8_t *fill(uint8_t *memory, const uint8_t *input, uint32_t length) {
  if (length == 0) {
    return memory;
  }
  if (input != NULL) {
    memcpy(memory, input, length);
  } else {
    memset(memory, 0, length);
  }
  return memory + size_aligned(length);
}

/* Lays out buffers, then what is pointed to, each aligned; arguments and pointers get their addresses. */
static void arena_build(uint8_t *arena, struct call_request *request, uint8_t *buffers[], uint8_t *pointers[]) {
  for (uint32_t i = 0; i < request->buffer_count; i++) {
    struct call_buffer *buffer = &request->buffers[i];
    buffers[i] = arena;
    request->arguments[buffer->argument] = (int64_t)(uintptr_t)arena;
    arena = fill(arena, buffer->input, buffer->length);
  }
  for (uint32_t i = 0; i < request->pointer_count; i++) {
    struct call_pointer *pointer = &request->pointers[i];
    uint64_t address = (uintptr_t)arena;
    pointers[i] = arena;
    memcpy(buffers[pointer->buffer] + pointer->offset, &address, sizeof address);
    arena = fill(arena, pointer->input, pointer->length);
  }
}

/* A child of the agent that returned here would answer in its parent's place; it has nothing to do and ends. */
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
 * The host's interruption of the request before this one may arrive only now. Such a signal is not part of the
 * test: the call is made again. Every other EINTR is what the script asked to see.
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
    reply_error(connection, error, error == EMSGSIZE ? "the buffers are larger than a reply can be"
                                                     : "malformed system call or ioctl request");
    return;
  }
  /* Everything that can fail for want of memory comes before the call: a call that was made is answered. */
  reply_begin(connection, PV_SYSCALL_RESULT);
  if (buffer_reserve(&agent->arena, arena_size(&request)) != 0 ||
      reply_room(connection, sizeof(int64_t) + request.reply_size) == NULL) {
    reply_error(connection, ENOMEM, "no memory for the buffers of the call");
    return;
  }
  uint8_t *buffers[PV_MAX_BUFFERS], *pointers[PV_MAX_POINTERS];
  arena_build(agent->arena.data, &request, buffers, pointers);
  reply_u64(connection, (uint64_t)call_kernel(agent, &request));
  for (uint32_t i = 0; i < request.buffer_count; i++) {
    reply_bytes(connection, buffers[i], request.buffers[i].length);
  }
  for (uint32_t i = 0; i < request.pointer_count; i++) {
    if (request.pointers[i].is_output) {
      reply_bytes(connection, pointers[i], request.pointers[i].length);
    }
  }
  reply_send(connection);
}
