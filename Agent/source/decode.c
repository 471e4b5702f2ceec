#include "decode.h"

#include <errno.h>

/* Reads forward; the first thing that is not there makes everything after it fail too. */
struct reader {
  struct span rest;
  bool failed;
};

static struct span take_bytes(struct reader *reader, uint32_t length) {
  if (reader->failed || reader->rest.length < length) {
    reader->failed = true;
    return (struct span){NULL, 0};
  }
  struct span taken = {reader->rest.data, length};
  reader->rest.data += length;
  reader->rest.length -= length;
  return taken;
}

static uint64_t take_integer(struct reader *reader, uint32_t size) {
  uint64_t value = 0;
  struct span bytes = take_bytes(reader, size);
  if (!reader->failed) {
    memcpy(&value, bytes.data, size);
  }
  return value;
}

static uint32_t take_u32(struct reader *reader) { return (uint32_t)take_integer(reader, 4); }
static uint64_t take_u64(struct reader *reader) { return take_integer(reader, 8); }
static uint8_t take_u8(struct reader *reader) { return (uint8_t)take_integer(reader, 1); }

static struct span take_string(struct reader *reader) { return take_bytes(reader, take_u32(reader)); }

/* For the kernel a string ends at its first zero; one that holds a zero would mean something else than it
 * says. */
static bool has_zero(struct span text) {
  return text.length != 0 && memchr(text.data, 0, text.length) != NULL;
}

/* 0 if all of the payload has been used and nothing was missing. */
static int finish(const struct reader *reader) {
  return reader->failed || reader->rest.length != 0 ? EINVAL : 0;
}

struct span span_take_string(struct span *list) {
  struct reader reader = {*list, false};
  struct span taken = take_string(&reader);
  *list = reader.rest;
  return taken;
}

/* ---- calls ---------------------------------------------------------------------------------- */

static int take_buffer_specs(struct reader *reader, struct call_request *request) {
  bool taken[PV_MAX_SYSCALL_ARGS] = {false};
  for (uint32_t i = 0; i < request->buffer_count; i++) {
    uint32_t argument = take_u32(reader), length = take_u32(reader);
    if (reader->failed || argument >= request->argument_count || taken[argument] || length == 0) {
      return EINVAL;
    }
    taken[argument] = true;
    request->buffers[i] = (struct call_buffer){argument, length, NULL};
  }
  return 0;
}

/* Two pointers whose bytes overlap would overwrite each other. */
static bool pointer_fits(const struct call_request *request, uint32_t index) {
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

/* `input` is only a mark until the bytes behind the specs have been reached. */
static int add_pointer(struct call_request *request, uint32_t index, struct call_pointer pointer) {
  request->pointers[index] = pointer;
  return pointer_fits(request, index) ? 0 : EINVAL;
}

static const uint8_t input_follows;

static int take_pointer_specs(struct reader *reader, struct call_request *request) {
  for (uint32_t i = 0; i < request->pointer_count; i++) {
    struct call_pointer pointer = {0};
    pointer.buffer = take_u32(reader);
    pointer.offset = take_u32(reader);
    pointer.length = take_u32(reader);
    uint8_t flags = take_u8(reader);
    take_bytes(reader, 3);
    if (reader->failed ||
        (flags != PV_POINTER_INPUT && flags != PV_POINTER_OUTPUT && flags != PV_POINTER_BOTH)) {
      return EINVAL;
    }
    pointer.is_output = flags != PV_POINTER_INPUT;
    pointer.input = flags != PV_POINTER_OUTPUT ? &input_follows : NULL;
    if (add_pointer(request, i, pointer) != 0) {
      return EINVAL;
    }
  }
  return 0;
}

static int take_ioctl_pointer_specs(struct reader *reader, struct call_request *request) {
  for (uint32_t i = 0; i < request->pointer_count; i++) {
    struct call_pointer pointer = {0};
    pointer.offset = take_u32(reader);
    pointer.length = take_u32(reader);
    uint8_t is_output = take_u8(reader), has_input = take_u8(reader);
    take_bytes(reader, 2);
    if (reader->failed || is_output > 1 || has_input > 1) {
      return EINVAL;
    }
    pointer.is_output = is_output != 0;
    pointer.input = has_input != 0 ? &input_follows : NULL;
    if (add_pointer(request, i, pointer) != 0) {
      return EINVAL;
    }
  }
  return 0;
}

/* The bytes behind the specs, in their order; and the size of the reply, which must be one message. */
static int take_inputs(struct reader *reader, struct call_request *request) {
  uint64_t reply = 8;
  for (uint32_t i = 0; i < request->buffer_count; i++) {
    struct call_buffer *buffer = &request->buffers[i];
    buffer->input = take_bytes(reader, buffer->length).data;
    reply += buffer->length;
  }
  for (uint32_t i = 0; i < request->pointer_count; i++) {
    struct call_pointer *pointer = &request->pointers[i];
    if (pointer->input != NULL) {
      pointer->input = take_bytes(reader, pointer->length).data;
    }
    reply += pointer->is_output ? pointer->length : 0;
    /* Memory that is neither sent nor returned is bounded all the same. */
    if (pointer->length > PV_MAX_PAYLOAD) {
      return EMSGSIZE;
    }
  }
  if (finish(reader) != 0) {
    return EINVAL;
  }
  request->reply_size = (uint32_t)(reply - 8);
  return reply > PV_MAX_PAYLOAD ? EMSGSIZE : 0;
}

static int decode_syscall(struct reader *reader, bool with_pointers, struct call_request *request) {
  request->number = take_u32(reader);
  request->argument_count = take_u32(reader);
  request->buffer_count = take_u32(reader);
  request->pointer_count = with_pointers ? take_u32(reader) : 0;
  if (reader->failed || request->argument_count > PV_MAX_SYSCALL_ARGS ||
      request->buffer_count > PV_MAX_BUFFERS || request->pointer_count > PV_MAX_POINTERS ||
      take_buffer_specs(reader, request) != 0 || take_pointer_specs(reader, request) != 0) {
    return EINVAL;
  }
  for (uint32_t i = 0; i < request->argument_count; i++) {
    request->arguments[i] = (int64_t)take_u64(reader);
  }
  return take_inputs(reader, request);
}

static int decode_ioctl(struct reader *reader, bool with_pointers, uint32_t number,
                        struct call_request *request) {
  request->number = number;
  request->argument_count = 3;
  request->arguments[0] = (int32_t)take_u32(reader);
  request->arguments[1] = take_u32(reader);
  uint32_t length = with_pointers ? take_u32(reader) : reader->rest.length;
  request->pointer_count = with_pointers ? take_u32(reader) : 0;
  /* Without data the third argument stays a null pointer. */
  request->buffer_count = length != 0 ? 1 : 0;
  request->buffers[0] = (struct call_buffer){2, length, NULL};
  if (reader->failed || request->pointer_count > PV_MAX_POINTERS ||
      take_ioctl_pointer_specs(reader, request) != 0) {
    return EINVAL;
  }
  return take_inputs(reader, request);
}

int decode_call(uint8_t type, struct span payload, uint32_t ioctl_number, struct call_request *request) {
  struct reader reader = {payload, false};
  request->argument_count = request->buffer_count = request->pointer_count = 0;
  memset(request->arguments, 0, sizeof request->arguments);
  switch (type) {
  case PV_SYSCALL: return decode_syscall(&reader, false, request);
  case PV_SYSCALL_PTR: return decode_syscall(&reader, true, request);
  case PV_IOCTL: return decode_ioctl(&reader, false, ioctl_number, request);
  case PV_IOCTL_BUF: return decode_ioctl(&reader, true, ioctl_number, request);
  default: return EINVAL;
  }
}

/* ---- the others ----------------------------------------------------------------------------- */

int decode_exec(uint8_t type, struct span payload, struct exec_request *request) {
  *request = (struct exec_request){0};
  if (type != PV_EXEC_FULL) {
    request->command = payload;
    return has_zero(payload) ? EINVAL : 0;
  }
  struct reader reader = {payload, false};
  request->flags = take_u32(&reader);
  request->timeout_ms = take_u32(&reader);
  request->cwd = take_string(&reader);
  request->environment_count = take_u32(&reader);
  request->environment = reader.rest;
  for (uint32_t i = 0; i < request->environment_count && !reader.failed; i++) {
    struct span variable = take_string(&reader);
    if (has_zero(variable) || variable.length == 0 || variable.data[0] == '=' ||
        memchr(variable.data, '=', variable.length) == NULL) {
      return EINVAL;
    }
  }
  request->environment.length -= reader.rest.length;
  request->command = take_string(&reader);
  if (finish(&reader) != 0 || (request->flags & ~(uint32_t)(PV_EXEC_STDIN | PV_EXEC_CLEAR_ENV)) != 0) {
    return EINVAL;
  }
  return has_zero(request->cwd) || has_zero(request->command) ? EINVAL : 0;
}

int decode_write(uint8_t type, struct span payload, struct write_request *request) {
  struct reader reader = {payload, false};
  *request = (struct write_request){.flags = PV_WRITE_CREATE | PV_WRITE_LAST};
  if (type == PV_WRITE_PIECE) {
    request->flags = take_u32(&reader);
    request->mode = take_u32(&reader);
    request->offset = take_u64(&reader);
  }
  request->path = take_string(&reader);
  request->data = reader.rest;
  uint32_t known = PV_WRITE_CREATE | PV_WRITE_MODE | PV_WRITE_LAST;
  if (reader.failed || has_zero(request->path) || (request->flags & ~known) != 0) {
    return EINVAL;
  }
  if ((request->flags & PV_WRITE_CREATE) != 0 && request->path.length == 0) {
    return EINVAL;
  }
  /* Offsets are signed for the kernel, and a piece must end inside them. */
  return request->offset > INT64_MAX - PV_MAX_PAYLOAD ? EINVAL : 0;
}

int decode_path(struct span payload, struct span *path) {
  *path = payload;
  return payload.length == 0 || has_zero(payload) ? EINVAL : 0;
}

int decode_mount(struct span payload, struct mount_request *request) {
  struct reader reader = {payload, false};
  request->flags = take_u64(&reader);
  request->source = take_string(&reader);
  request->target = take_string(&reader);
  request->type = take_string(&reader);
  request->data = take_string(&reader);
  if (finish(&reader) != 0 || request->target.length == 0) {
    return EINVAL;
  }
  return has_zero(request->source) || has_zero(request->target) || has_zero(request->type) ||
                 has_zero(request->data)
             ? EINVAL
             : 0;
}

int decode_resume(struct span payload, struct resume_request *request) {
  struct reader reader = {payload, false};
  request->nonce = take_bytes(&reader, PV_NONCE_SIZE).data;
  request->realtime_ns = take_u64(&reader);
  request->seed = take_bytes(&reader, PV_SEED_SIZE).data;
  return finish(&reader);
}

int decode_job(uint8_t type, struct span payload, struct job_request *request) {
  struct reader reader = {payload, false};
  *request = (struct job_request){0};
  request->job = take_u32(&reader);
  if (type != PV_JOB_KILL) {
    request->timeout_ms = take_u32(&reader);
  }
  if (type == PV_JOB_COLLECT) {
    request->flags = take_u32(&reader);
  }
  return finish(&reader) != 0 || (request->flags & ~(uint32_t)PV_COLLECT_KILL) != 0 ? EINVAL : 0;
}

int decode_interrupt(struct span payload, struct interrupt_request *request) {
  struct reader reader = {payload, false};
  request->target = take_u32(&reader);
  request->flags = take_u32(&reader);
  request->request = payload.length > 8 ? take_u32(&reader) : 0;
  return finish(&reader) != 0 || request->target > PV_MAX_WORKERS ||
                 (request->flags & ~(uint32_t)PV_INTERRUPT_COMMAND) != 0
             ? EINVAL
             : 0;
}

int decode_kill(struct span payload, struct kill_request *request) {
  struct reader reader = {payload, false};
  request->worker = take_u32(&reader);
  request->pid = payload.length > 4 ? (int32_t)take_u32(&reader) : 0;
  return finish(&reader) != 0 || request->worker == 0 || request->worker > PV_MAX_WORKERS || request->pid < 0
             ? EINVAL
             : 0;
}

int decode_u32(struct span payload, uint32_t *value) {
  struct reader reader = {payload, false};
  *value = take_u32(&reader);
  return finish(&reader);
}

int decode_nothing(struct span payload) { return payload.length != 0 ? EINVAL : 0; }

enum admission decode_admission(struct span begin, const uint8_t secret[PV_SECRET_SIZE]) {
  static const uint8_t header[PV_MESSAGE_HEADER_SIZE] = {PV_SECRET, PV_SECRET_SIZE};
  uint32_t known = begin.length < sizeof header ? begin.length : sizeof header;
  if (known != 0 && memcmp(begin.data, header, known) != 0) {
    return ADMISSION_REFUSED;
  }
  if (begin.length < ADMISSION_SIZE) {
    return ADMISSION_PENDING;
  }
  uint8_t difference = 0;
  for (uint32_t i = 0; i < PV_SECRET_SIZE; i++) {
    difference |= begin.data[sizeof header + i] ^ secret[i];
  }
  return difference == 0 ? ADMISSION_GRANTED : ADMISSION_WRONG_SECRET;
}
