/* System calls and ioctls, with the memory that their arguments point to. */
#include <sys/syscall.h>

#include "decode.h"
#include "reader.h"

static int call_take_buffers(struct reader *reader, struct call_request *request) {
  bool taken[PV_MAX_SYSCALL_ARGS] = {false};
  for (uint32_t i = 0; i < request->buffer_count; i++) {
    uint32_t argument = reader_take_u32(reader), length = reader_take_u32(reader);
    if (reader->failed || argument >= request->argument_count || taken[argument]) {
      return EINVAL;
    }
    taken[argument] = true;
    request->buffers[i] = (struct call_buffer){argument, length, NULL};
  }
  return 0;
}

/* A pointer must be inside its buffer, and two pointers must not overwrite each other. */
static bool call_pointer_fits(const struct call_request *request, uint32_t index) {
  const struct call_pointer *pointer = &request->pointers[index];
  if (pointer->buffer >= request->buffer_count) {
    return false;
  }
  uint32_t buffer_length = request->buffers[pointer->buffer].length;
  if (buffer_length < 8 || pointer->offset > buffer_length - 8) {
    return false;
  }
  for (uint32_t i = 0; i < index; i++) {
    const struct call_pointer *other = &request->pointers[i];
    uint32_t low = other->offset < pointer->offset ? other->offset : pointer->offset;
    uint32_t high = other->offset < pointer->offset ? pointer->offset : other->offset;
    if (other->buffer == pointer->buffer && high - low < 8) {
      return false;
    }
  }
  return true;
}

static int call_add_pointer(struct call_request *request, uint32_t index, struct call_pointer pointer) {
  request->pointers[index] = pointer;
  return call_pointer_fits(request, index) ? 0 : EINVAL;
}

static int call_take_pointers(struct reader *reader, struct call_request *request) {
  for (uint32_t i = 0; i < request->pointer_count; i++) {
    struct call_pointer pointer = {0};
    pointer.buffer = reader_take_u32(reader);
    pointer.offset = reader_take_u32(reader);
    pointer.length = reader_take_u32(reader);
    uint8_t flags = reader_take_u8(reader);
    reader_take_bytes(reader, 3);
    bool is_known = flags == PV_POINTER_INPUT || flags == PV_POINTER_OUTPUT || flags == PV_POINTER_BOTH;
    if (reader->failed || !is_known) {
      return EINVAL;
    }
    pointer.is_output = flags != PV_POINTER_INPUT;
    pointer.has_input = flags != PV_POINTER_OUTPUT;
    if (call_add_pointer(request, i, pointer) != 0) {
      return EINVAL;
    }
  }
  return 0;
}

static int call_take_ioctl_pointers(struct reader *reader, struct call_request *request) {
  for (uint32_t i = 0; i < request->pointer_count; i++) {
    struct call_pointer pointer = {0};
    pointer.offset = reader_take_u32(reader);
    pointer.length = reader_take_u32(reader);
    uint8_t is_output = reader_take_u8(reader), has_input = reader_take_u8(reader);
    reader_take_bytes(reader, 2);
    if (reader->failed || is_output > 1 || has_input > 1) {
      return EINVAL;
    }
    pointer.is_output = is_output != 0;
    pointer.has_input = has_input != 0;
    if (call_add_pointer(request, i, pointer) != 0) {
      return EINVAL;
    }
  }
  return 0;
}

/* Takes the bytes after the specifications, in their order, and computes the size of the reply. */
static int call_take_inputs(struct reader *reader, struct call_request *request) {
  uint64_t reply = 8;
  for (uint32_t i = 0; i < request->buffer_count; i++) {
    struct call_buffer *buffer = &request->buffers[i];
    buffer->input = reader_take_bytes(reader, buffer->length).data;
    reply += buffer->length;
  }
  for (uint32_t i = 0; i < request->pointer_count; i++) {
    struct call_pointer *pointer = &request->pointers[i];
    pointer->input = pointer->has_input ? reader_take_bytes(reader, pointer->length).data : NULL;
    reply += pointer->is_output ? pointer->length : 0;
    /* Memory that is neither sent nor returned must be bounded too. */
    if (pointer->length > PV_MAX_PAYLOAD) {
      return EMSGSIZE;
    }
  }
  if (reader_finish(reader) != 0) {
    return EINVAL;
  }
  request->reply_size = (uint32_t)(reply - 8);
  return reply > PV_MAX_PAYLOAD ? EMSGSIZE : 0;
}

static void call_clear(struct call_request *request) {
  request->argument_count = request->buffer_count = request->pointer_count = 0;
  memset(request->arguments, 0, sizeof request->arguments);
}

static int call_decode_syscall(struct span payload, bool with_pointers, struct call_request *request) {
  struct reader reader = {payload, false};
  call_clear(request);
  request->number = reader_take_u32(&reader);
  request->argument_count = reader_take_u32(&reader);
  request->buffer_count = reader_take_u32(&reader);
  request->pointer_count = with_pointers ? reader_take_u32(&reader) : 0;
  if (reader.failed || request->argument_count > PV_MAX_SYSCALL_ARGS ||
      request->buffer_count > PV_MAX_BUFFERS || request->pointer_count > PV_MAX_POINTERS) {
    return EINVAL;
  }
  if (call_take_buffers(&reader, request) != 0 || call_take_pointers(&reader, request) != 0) {
    return EINVAL;
  }
  for (uint32_t i = 0; i < request->argument_count; i++) {
    request->arguments[i] = (int64_t)reader_take_u64(&reader);
  }
  return call_take_inputs(&reader, request);
}

/*
 * An ioctl is a call with three arguments whose last one points to the data. Without data it is a null
 * pointer for IOCTL, and an address that cannot be accessed for IOCTL_BUF.
 */
static int call_decode_ioctl(struct span payload, bool with_pointers, struct call_request *request) {
  struct reader reader = {payload, false};
  call_clear(request);
  request->number = SYS_ioctl;
  request->argument_count = 3;
  request->arguments[0] = (int32_t)reader_take_u32(&reader);
  request->arguments[1] = reader_take_u32(&reader);
  uint32_t length = with_pointers ? reader_take_u32(&reader) : reader.rest.length;
  request->pointer_count = with_pointers ? reader_take_u32(&reader) : 0;
  request->buffer_count = length != 0 || with_pointers ? 1 : 0;
  request->buffers[0] = (struct call_buffer){2, length, NULL};
  if (reader.failed || request->pointer_count > PV_MAX_POINTERS ||
      call_take_ioctl_pointers(&reader, request) != 0) {
    return EINVAL;
  }
  return call_take_inputs(&reader, request);
}

int decode_syscall(struct span payload, union request *request) {
  return call_decode_syscall(payload, false, &request->call);
}
int decode_syscall_ptr(struct span payload, union request *request) {
  return call_decode_syscall(payload, true, &request->call);
}
int decode_ioctl(struct span payload, union request *request) {
  return call_decode_ioctl(payload, false, &request->call);
}
int decode_ioctl_buf(struct span payload, union request *request) {
  return call_decode_ioctl(payload, true, &request->call);
}
