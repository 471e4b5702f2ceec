#include "decode.h"

#include "reader.h"

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

/* ---- commands ------------------------------------------------------------------------------- */

int decode_command(struct span payload, union request *request) {
  request->exec = (struct exec_request){.command = payload};
  return span_has_zero(payload) ? EINVAL : 0;
}

/* Decodes the directory, the environment and the command, to the end of the payload. */
static int exec_decode_command(struct reader *reader, struct exec_request *exec) {
  exec->cwd = reader_take_string(reader);
  exec->environment_count = reader_take_u32(reader);
  exec->environment = reader->rest;
  for (uint32_t i = 0; i < exec->environment_count && !reader->failed; i++) {
    struct span variable = reader_take_string(reader);
    if (span_has_zero(variable) || variable.length == 0 || variable.data[0] == '=' ||
        memchr(variable.data, '=', variable.length) == NULL) {
      return EINVAL;
    }
  }
  exec->environment.length -= reader->rest.length;
  exec->command = reader_take_string(reader);
  if (reader_finish(reader) != 0) {
    return EINVAL;
  }
  return span_has_zero(exec->cwd) || span_has_zero(exec->command) ? EINVAL : 0;
}

int decode_exec_full(struct span payload, union request *request) {
  struct exec_request *exec = &request->exec;
  struct reader reader = {payload, false};
  *exec = (struct exec_request){0};
  exec->flags = reader_take_u32(&reader);
  exec->timeout_ms = reader_take_u32(&reader);
  uint32_t known = PV_EXEC_STDIN | PV_EXEC_CLEAR_ENV;
  return (exec->flags & ~known) != 0 ? EINVAL : exec_decode_command(&reader, exec);
}

/* ---- processes ------------------------------------------------------------------------------ */

static uint16_t process_take_u16(struct reader *reader) { return (uint16_t)reader_take_integer(reader, 2); }

int decode_process_start(struct span payload, union request *request) {
  struct process_start_request *start = &request->start;
  struct reader reader = {payload, false};
  *start = (struct process_start_request){0};
  uint32_t flags = reader_take_u32(&reader);
  start->terminal = (flags & PV_PROCESS_TERMINAL) != 0;
  start->exec.flags = (flags & PV_PROCESS_CLEAR_ENV) != 0 ? PV_EXEC_CLEAR_ENV : 0;
  start->columns = process_take_u16(&reader);
  start->rows = process_take_u16(&reader);
  uint32_t known = PV_PROCESS_TERMINAL | PV_PROCESS_CLEAR_ENV;
  bool has_size = start->columns != 0 && start->rows != 0;
  if ((flags & ~known) != 0 || (start->terminal && !has_size)) {
    return EINVAL;
  }
  return exec_decode_command(&reader, &start->exec);
}

int decode_process_read(struct span payload, union request *request) {
  struct process_request *process = &request->process;
  struct reader reader = {payload, false};
  *process = (struct process_request){.job = reader_take_u32(&reader)};
  process->streams = reader_take_u32(&reader);
  process->flags = reader_take_u32(&reader);
  process->limit = reader_take_u32(&reader);
  process->timeout_ms = reader_take_u32(&reader);
  uint32_t streams = PV_STREAM_OUTPUT | PV_STREAM_ERROR, flags = PV_PROCESS_FOLLOW;
  bool unknown = (process->streams & ~streams) != 0 || (process->flags & ~flags) != 0;
  return unknown || (process->streams != 0 && process->limit == 0) ? EINVAL : reader_finish(&reader);
}

int decode_process_write(struct span payload, union request *request) {
  struct process_request *process = &request->process;
  struct reader reader = {payload, false};
  *process = (struct process_request){.job = reader_take_u32(&reader)};
  process->flags = reader_take_u32(&reader);
  process->timeout_ms = reader_take_u32(&reader);
  process->data = reader.rest;
  return reader.failed || (process->flags & ~(uint32_t)PV_PROCESS_CLOSE) != 0 ? EINVAL : 0;
}

int decode_process_signal(struct span payload, union request *request) {
  struct process_request *process = &request->process;
  struct reader reader = {payload, false};
  *process = (struct process_request){.job = reader_take_u32(&reader)};
  process->signal = reader_take_u32(&reader);
  /* Linux has the signals 1 to 64 (_NSIG of include/uapi/asm-generic/signal.h). */
  return process->signal < 1 || process->signal > 64 ? EINVAL : reader_finish(&reader);
}

int decode_process_resize(struct span payload, union request *request) {
  struct process_request *process = &request->process;
  struct reader reader = {payload, false};
  *process = (struct process_request){.job = reader_take_u32(&reader)};
  process->columns = process_take_u16(&reader);
  process->rows = process_take_u16(&reader);
  return process->columns == 0 || process->rows == 0 ? EINVAL : reader_finish(&reader);
}

int decode_process_end(struct span payload, union request *request) {
  struct reader reader = {payload, false};
  request->process = (struct process_request){.job = reader_take_u32(&reader)};
  return reader_finish(&reader);
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

int decode_share(struct span payload, union request *request) {
  struct share_request_target *share = &request->share;
  struct reader reader = {payload, false};
  share->number = reader_take_u32(&reader);
  share->target = reader_take_string(&reader);
  bool is_path = share->target.length > 1 && share->target.data[0] == '/' && !span_has_zero(share->target);
  return reader_finish(&reader) != 0 || share->number == 0 || share->number > PV_MAX_SHARES || !is_path
             ? EINVAL
             : 0;
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
