#include "decode.h"

#include <errno.h>
#include <sys/syscall.h>

/* Reads forward. After the first read beyond the end every further read fails too. */
struct reader {
  struct span rest;
  bool failed;
};

static struct span reader_take_bytes(struct reader *reader, uint32_t length) {
  if (reader->failed || reader->rest.length < length) {
    reader->failed = true;
    return (struct span){NULL, 0};
  }
  struct span taken = {reader->rest.data, length};
  reader->rest.data += length;
  reader->rest.length -= length;
  return taken;
}

static uint64_t reader_take_integer(struct reader *reader, uint32_t size) {
  uint64_t value = 0;
  struct span bytes = reader_take_bytes(reader, size);
  if (!reader->failed) {
    memcpy(&value, bytes.data, size);
  }
  return value;
}

static uint32_t reader_take_u32(struct reader *reader) { return (uint32_t)reader_take_integer(reader, 4); }
static uint64_t reader_take_u64(struct reader *reader) { return reader_take_integer(reader, 8); }
static uint8_t reader_take_u8(struct reader *reader) { return (uint8_t)reader_take_integer(reader, 1); }

static struct span reader_take_string(struct reader *reader) {
  return reader_take_bytes(reader, reader_take_u32(reader));
}

/* Returns 0 if the whole payload has been read and nothing was missing. */
static int reader_finish(const struct reader *reader) {
  return reader->failed || reader->rest.length != 0 ? EINVAL : 0;
}

/* The kernel ends a string at its first zero, so a string that contains one would not mean what it says. */
static bool span_has_zero(struct span text) {
  return text.length != 0 && memchr(text.data, 0, text.length) != NULL;
}

struct span span_take_string(struct span *list) {
  struct reader reader = {*list, false};
  struct span taken = reader_take_string(&reader);
  *list = reader.rest;
  return taken;
}

/* ---- calls ---------------------------------------------------------------------------------- */

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

/* ---- commands ------------------------------------------------------------------------------- */

int decode_command(struct span payload, union request *request) {
  request->exec = (struct exec_request){.command = payload};
  return span_has_zero(payload) ? EINVAL : 0;
}

int decode_exec_full(struct span payload, union request *request) {
  struct exec_request *exec = &request->exec;
  struct reader reader = {payload, false};
  *exec = (struct exec_request){0};
  exec->flags = reader_take_u32(&reader);
  exec->timeout_ms = reader_take_u32(&reader);
  exec->cwd = reader_take_string(&reader);
  exec->environment_count = reader_take_u32(&reader);
  exec->environment = reader.rest;
  for (uint32_t i = 0; i < exec->environment_count && !reader.failed; i++) {
    struct span variable = reader_take_string(&reader);
    if (span_has_zero(variable) || variable.length == 0 || variable.data[0] == '=' ||
        memchr(variable.data, '=', variable.length) == NULL) {
      return EINVAL;
    }
  }
  exec->environment.length -= reader.rest.length;
  exec->command = reader_take_string(&reader);
  uint32_t known = PV_EXEC_STDIN | PV_EXEC_CLEAR_ENV;
  if (reader_finish(&reader) != 0 || (exec->flags & ~known) != 0) {
    return EINVAL;
  }
  return span_has_zero(exec->cwd) || span_has_zero(exec->command) ? EINVAL : 0;
}

static int job_decode(struct span payload, bool has_timeout, bool has_flags, struct job_request *job) {
  struct reader reader = {payload, false};
  job->job = reader_take_u32(&reader);
  job->timeout_ms = has_timeout ? reader_take_u32(&reader) : 0;
  job->flags = has_flags ? reader_take_u32(&reader) : 0;
  return reader_finish(&reader) != 0 || (job->flags & ~(uint32_t)PV_COLLECT_KILL) != 0 ? EINVAL : 0;
}

int decode_job_wait(struct span payload, union request *request) {
  return job_decode(payload, true, false, &request->job);
}
int decode_job_kill(struct span payload, union request *request) {
  int error = job_decode(payload, false, false, &request->job);
  request->job.flags = PV_COLLECT_KILL;
  return error;
}
int decode_job_collect(struct span payload, union request *request) {
  return job_decode(payload, true, true, &request->job);
}

/* ---- files ---------------------------------------------------------------------------------- */

static int write_decode(struct reader *reader, struct write_request *write) {
  write->path = reader_take_string(reader);
  write->data = reader->rest;
  uint32_t known = PV_WRITE_CREATE | PV_WRITE_MODE | PV_WRITE_LAST;
  if (reader->failed || span_has_zero(write->path) || (write->flags & ~known) != 0) {
    return EINVAL;
  }
  if ((write->flags & PV_WRITE_CREATE) != 0 && write->path.length == 0) {
    return EINVAL;
  }
  /* The kernel's offsets are signed, and the end of the piece must be a valid offset. */
  return write->offset > INT64_MAX - PV_MAX_PAYLOAD ? EINVAL : 0;
}

int decode_write_file(struct span payload, union request *request) {
  struct reader reader = {payload, false};
  request->write = (struct write_request){.flags = PV_WRITE_CREATE | PV_WRITE_LAST};
  return write_decode(&reader, &request->write);
}

int decode_write_piece(struct span payload, union request *request) {
  struct reader reader = {payload, false};
  request->write.flags = reader_take_u32(&reader);
  request->write.mode = reader_take_u32(&reader);
  request->write.offset = reader_take_u64(&reader);
  return write_decode(&reader, &request->write);
}

int decode_path(struct span payload, union request *request) {
  request->bytes = payload;
  return payload.length == 0 || span_has_zero(payload) ? EINVAL : 0;
}

int decode_bytes(struct span payload, union request *request) {
  request->bytes = payload;
  return 0;
}

/* ---- the guest ------------------------------------------------------------------------------ */

int decode_mount(struct span payload, union request *request) {
  struct mount_request *mount = &request->mount;
  struct reader reader = {payload, false};
  mount->flags = reader_take_u64(&reader);
  mount->source = reader_take_string(&reader);
  mount->target = reader_take_string(&reader);
  mount->type = reader_take_string(&reader);
  mount->data = reader_take_string(&reader);
  if (reader_finish(&reader) != 0 || mount->target.length == 0) {
    return EINVAL;
  }
  bool has_zero = span_has_zero(mount->source) || span_has_zero(mount->target) ||
                  span_has_zero(mount->type) || span_has_zero(mount->data);
  return has_zero ? EINVAL : 0;
}

int decode_resume(struct span payload, union request *request) {
  struct reader reader = {payload, false};
  request->resume.nonce = reader_take_bytes(&reader, PV_NONCE_SIZE).data;
  request->resume.realtime_ns = reader_take_u64(&reader);
  request->resume.seed = reader_take_bytes(&reader, PV_SEED_SIZE).data;
  return reader_finish(&reader);
}

int decode_spawn(struct span payload, union request *request) {
  struct reader reader = {payload, false};
  request->spawn_kind = reader_take_u32(&reader);
  return reader_finish(&reader) != 0 || request->spawn_kind > PV_SPAWN_SHARED ? EINVAL : 0;
}

int decode_nothing(struct span payload, union request *request) {
  (void)request;
  return payload.length != 0 ? EINVAL : 0;
}

/* ---- control -------------------------------------------------------------------------------- */

int decode_interrupt(struct span payload, struct interrupt_request *request) {
  struct reader reader = {payload, false};
  request->target = reader_take_u32(&reader);
  request->flags = reader_take_u32(&reader);
  request->request = payload.length > 8 ? reader_take_u32(&reader) : 0;
  if (reader_finish(&reader) != 0 || request->target > PV_MAX_WORKERS) {
    return EINVAL;
  }
  return (request->flags & ~(uint32_t)PV_INTERRUPT_COMMAND) != 0 ? EINVAL : 0;
}

int decode_kill(struct span payload, struct kill_request *request) {
  struct reader reader = {payload, false};
  request->worker = reader_take_u32(&reader);
  request->pid = payload.length > 4 ? (int32_t)reader_take_u32(&reader) : 0;
  bool is_worker = request->worker != 0 && request->worker <= PV_MAX_WORKERS;
  return reader_finish(&reader) != 0 || !is_worker || request->pid < 0 ? EINVAL : 0;
}

int decode_follow(struct span payload, struct follow_request *request) {
  struct reader reader = {payload, false};
  request->start = reader_take_u32(&reader);
  request->credit = reader_take_u32(&reader);
  return reader_finish(&reader) != 0 || request->start > PV_FOLLOW_NEWEST ? EINVAL : 0;
}

int decode_u32(struct span payload, uint32_t *value) {
  struct reader reader = {payload, false};
  *value = reader_take_u32(&reader);
  return reader_finish(&reader);
}

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
