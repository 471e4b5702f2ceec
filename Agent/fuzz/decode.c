/*
 * A fuzz target for everything that reads the host's bytes. The first byte chooses a decoder or the link
 * reader; the rest are the received bytes. Every decoded span is read to its last byte, so that
 * AddressSanitizer finds a span outside of the payload, and what the decoders promise is checked.
 */
#include <stdlib.h>

#include "decode.h"
#include "link.h"

static volatile uint64_t sink;

static void expect(bool truth) {
  if (!truth) {
    abort();
  }
}

static void touch(const uint8_t *data, uint32_t length) {
  for (uint32_t i = 0; i < length; i++) {
    sink += data[i];
  }
}

static void touch_span(struct span span) { touch(span.data, span.length); }

static void check_call(const struct call_request *request) {
  uint64_t reply = 0;
  expect(request->argument_count <= PV_MAX_SYSCALL_ARGS && request->buffer_count <= PV_MAX_BUFFERS);
  expect(request->pointer_count <= PV_MAX_POINTERS);
  for (uint32_t i = 0; i < request->buffer_count; i++) {
    const struct call_buffer *buffer = &request->buffers[i];
    expect(buffer->argument < request->argument_count);
    touch(buffer->input, buffer->length);
    reply += buffer->length;
  }
  for (uint32_t i = 0; i < request->pointer_count; i++) {
    const struct call_pointer *pointer = &request->pointers[i];
    expect(pointer->buffer < request->buffer_count);
    expect((uint64_t)pointer->offset + 8 <= request->buffers[pointer->buffer].length);
    expect(pointer->length <= PV_MAX_PAYLOAD);
    for (uint32_t j = 0; j < i; j++) {
      const struct call_pointer *other = &request->pointers[j];
      uint32_t low = other->offset < pointer->offset ? other->offset : pointer->offset;
      expect(other->buffer != pointer->buffer || other->offset + pointer->offset - 2 * low >= 8);
    }
    if (pointer->input != NULL) {
      touch(pointer->input, pointer->length);
    }
    reply += pointer->is_output ? pointer->length : 0;
  }
  expect(reply == request->reply_size && reply <= PV_MAX_PAYLOAD);
}

static void check_exec(const struct exec_request *request) {
  struct span environment = request->environment;
  touch_span(request->cwd);
  touch_span(request->command);
  for (uint32_t i = 0; i < request->environment_count; i++) {
    struct span variable = span_take_string(&environment);
    expect(variable.data != NULL && memchr(variable.data, '=', variable.length) != NULL);
    touch_span(variable);
  }
  expect(environment.length == 0);
}

static void check_process(struct span payload) {
  union request request;
  if (decode_process_start(payload, &request) == 0) {
    check_exec(&request.start.exec);
    expect(!request.start.terminal || (request.start.columns != 0 && request.start.rows != 0));
  }
  if (decode_process_read(payload, &request) == 0) {
    expect(request.process.streams == 0 || request.process.limit != 0);
  }
  if (decode_process_write(payload, &request) == 0) {
    touch_span(request.process.data);
  }
  if (decode_process_signal(payload, &request) == 0) {
    expect(request.process.signal >= 1 && request.process.signal <= 64);
  }
  if (decode_process_resize(payload, &request) == 0) {
    expect(request.process.columns != 0 && request.process.rows != 0);
  }
  decode_process_end(payload, &request);
}

static void check_write(const struct write_request *request) {
  touch_span(request->path);
  touch_span(request->data);
  expect(request->offset + request->data.length <= INT64_MAX);
}

static void check_mount(const struct mount_request *request) {
  touch_span(request->source);
  touch_span(request->target);
  touch_span(request->type);
  touch_span(request->data);
}

static void check_resume(const struct resume_request *request) {
  touch(request->nonce, PV_NONCE_SIZE);
  touch(request->seed, PV_SEED_SIZE);
}

static void check_interface(const struct interface_request *request) {
  touch(request->find, 6);
  touch(request->address, 6);
  touch_span(request->host_name);
  expect(request->address_count <= PV_MAX_INTERFACE_ENTRIES);
  expect(request->route_count <= PV_MAX_INTERFACE_ENTRIES);
  touch(request->addresses, request->address_count * PV_INTERFACE_ADDRESS_SIZE);
  touch(request->routes, request->route_count * PV_INTERFACE_ROUTE_SIZE);
}

typedef int decoder(struct span payload, union request *request);

static void try_call(struct span payload, decoder *decode) {
  static union request request;
  if (decode(payload, &request) == 0) {
    check_call(&request.call);
  }
}

/* The decoders that need no size of reply, on the same bytes. */
static void try_others(struct span payload) {
  union request request;
  static decoder *const jobs[] = {decode_job_wait, decode_job_kill, decode_job_collect, decode_nothing};
  if (decode_exec_full(payload, &request) == 0 || decode_command(payload, &request) == 0) {
    check_exec(&request.exec);
  }
  if (decode_write_piece(payload, &request) == 0 || decode_write_file(payload, &request) == 0) {
    check_write(&request.write);
  }
  if (decode_path(payload, &request) == 0) {
    touch_span(request.bytes);
  }
  check_process(payload);
  if (decode_mount(payload, &request) == 0) {
    check_mount(&request.mount);
  }
  if (decode_share(payload, &request) == 0) {
    touch_span(request.share.target);
  }
  if (decode_resume(payload, &request) == 0) {
    check_resume(&request.resume);
  }
  for (size_t i = 0; i < sizeof jobs / sizeof jobs[0]; i++) {
    jobs[i](payload, &request);
  }
  if (decode_interface(payload, &request) == 0) {
    check_interface(&request.interface);
  }
  if (decode_spawn(payload, &request) == 0) {
    expect(request.spawn_kind <= PV_SPAWN_SHARED);
  }
}

static void try_control(struct span payload) {
  struct interrupt_request interrupt;
  struct kill_request kill;
  struct follow_request follow;
  uint32_t value;
  if (decode_interrupt(payload, &interrupt) == 0) {
    expect(interrupt.target <= PV_MAX_WORKERS);
  }
  if (decode_follow(payload, &follow) == 0) {
    expect(follow.start <= PV_FOLLOW_NEWEST);
  }
  decode_u32(payload, &value);
  if (decode_kill(payload, &kill) == 0) {
    expect(kill.worker != 0 && kill.worker <= PV_MAX_WORKERS && kill.pid >= 0);
  }
}

/* The result does not depend on how the bytes are split, and only the secret is granted. */
static void try_admission(struct span payload) {
  static const uint8_t secret[PV_SECRET_SIZE];
  uint32_t length = payload.length < ADMISSION_SIZE ? payload.length : ADMISSION_SIZE;
  enum admission whole = decode_admission((struct span){payload.data, length}, secret);
  for (uint32_t part = 0; part < length; part++) {
    enum admission so_far = decode_admission((struct span){payload.data, part}, secret);
    expect(so_far == ADMISSION_PENDING || (so_far == ADMISSION_REFUSED && whole == ADMISSION_REFUSED));
  }
  if (whole == ADMISSION_GRANTED || whole == ADMISSION_WRONG_SECRET) {
    static const uint8_t header[PV_MESSAGE_HEADER_SIZE] = {PV_SECRET, PV_SECRET_SIZE};
    expect(length == ADMISSION_SIZE && memcmp(payload.data, header, sizeof header) == 0);
    bool same = memcmp(payload.data + sizeof header, secret, sizeof secret) == 0;
    expect(same == (whole == ADMISSION_GRANTED));
  }
}

static void count_frames(const uint8_t *bytes, size_t length, size_t *position, size_t *count) {
  struct link_frame frame;
  while (link_read(bytes, length, position, &frame) == LINK_FRAME) {
    expect(*position <= length && frame.length <= PV_LINK_MAX_PAYLOAD);
    touch(frame.payload, frame.length);
    ++*count;
  }
  expect(*position <= length);
}

/*
 * A fuzzer cannot guess a checksum, so a valid frame with the same bytes follows them. The stream must have
 * the same frames whether it is read at once or in two parts.
 */
static void try_link(struct span payload) {
  size_t size = (size_t)payload.length * 2 + PV_LINK_HEADER_SIZE;
  uint8_t *stream = malloc(size);
  struct pv_link_header header;
  pv_link_header_make(&header, PV_LINK_DATA, 3, payload.data, payload.length);
  memcpy(stream, payload.data, payload.length);
  memcpy(stream + payload.length, &header, sizeof header);
  memcpy(stream + payload.length + sizeof header, payload.data, payload.length);
  size_t position = 0, at_once = 0;
  count_frames(stream, size, &position, &at_once);
  size_t halfway = 0, in_parts = 0;
  count_frames(stream, payload.length, &halfway, &in_parts);
  count_frames(stream, size, &halfway, &in_parts);
  expect(at_once == in_parts && position == halfway);
  expect(at_once >= 1 || payload.length >= PV_LINK_HEADER_SIZE);
  free(stream);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length);
int LLVMFuzzerTestOneInput(const uint8_t *data, size_t length) {
  if (length == 0 || length > PV_LINK_MAX_PAYLOAD) {
    return 0;
  }
  uint8_t type = data[0];
  struct span payload = {data + 1, (uint32_t)(length - 1)};
  switch (type) {
  case 0: try_link(payload); break;
  case PV_SYSCALL: try_call(payload, decode_syscall); break;
  case PV_SYSCALL_PTR: try_call(payload, decode_syscall_ptr); break;
  case PV_IOCTL: try_call(payload, decode_ioctl); break;
  case PV_IOCTL_BUF: try_call(payload, decode_ioctl_buf); break;
  case PV_SECRET:
    try_admission((struct span){data, (uint32_t)length});
    try_admission(payload);
    break;
  case PV_INTERRUPT:
  case PV_KILL_WORKER:
  case PV_FOLLOW_LOG: try_control(payload); break;
  default: try_others(payload);
  }
  return 0;
}
