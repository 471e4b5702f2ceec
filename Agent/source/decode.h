/*
 * Requests out of payloads: pure functions over untrusted bytes.
 *
 * Each returns 0, or an errno (positive) for the reply ERROR: EINVAL for a payload that does not parse,
 * EMSGSIZE for one whose reply could not be sent. Nothing is copied: spans point into the payload. Every
 * count and length is checked here, against what was really sent, so that what comes out can be acted on.
 */
#ifndef PROVIUM_DECODE_H
#define PROVIUM_DECODE_H

#include <stdbool.h>

#include "provium_wire.h"

struct span {
  const uint8_t *data;
  uint32_t length;
};

/* One system call with the memory its arguments point to: SYSCALL, SYSCALL_PTR, IOCTL and IOCTL_BUF alike. */
struct call_buffer {
  uint32_t argument; /* index of the argument that is its address */
  uint32_t length;
  const uint8_t *input;
};
struct call_pointer {
  uint32_t buffer; /* index of the buffer that holds the pointer, at `offset` */
  uint32_t offset;
  uint32_t length;
  bool is_output;
  const uint8_t *input; /* NULL: starts zeroed */
};
struct call_request {
  uint32_t number;
  uint32_t argument_count, buffer_count, pointer_count;
  uint32_t reply_size; /* bytes of buffers and output pointers */
  int64_t arguments[PV_MAX_SYSCALL_ARGS];
  struct call_buffer buffers[PV_MAX_BUFFERS];
  struct call_pointer pointers[PV_MAX_POINTERS];
};

struct exec_request {
  uint32_t flags, timeout_ms;
  struct span cwd, command;
  uint32_t environment_count;
  struct span environment; /* checked: environment_count times {len u32, bytes} */
};

struct write_request {
  uint32_t flags, mode;
  uint64_t offset;
  struct span path, data;
};

struct mount_request {
  uint64_t flags;
  struct span source, target, type, data;
};

struct resume_request {
  const uint8_t *nonce, *seed;
  uint64_t realtime_ns;
};

struct job_request {
  uint32_t job, timeout_ms, flags;
};

struct interrupt_request {
  uint32_t target, flags, request;
};

struct kill_request {
  uint32_t worker;
  int32_t pid; /* 0: whoever has that number */
};

/* `ioctl_number` is the system call that an ioctl becomes. */
int decode_call(uint8_t type, struct span payload, uint32_t ioctl_number, struct call_request *request);
/* EXEC, EXEC_ASYNC and EXEC_FULL. */
int decode_exec(uint8_t type, struct span payload, struct exec_request *request);
/* WRITE_FILE and WRITE_PIECE. */
int decode_write(uint8_t type, struct span payload, struct write_request *request);
int decode_path(struct span payload, struct span *path);
int decode_mount(struct span payload, struct mount_request *request);
int decode_resume(struct span payload, struct resume_request *request);
/* JOB_WAIT, JOB_KILL and JOB_COLLECT. */
int decode_job(uint8_t type, struct span payload, struct job_request *request);
int decode_interrupt(struct span payload, struct interrupt_request *request);
int decode_kill(struct span payload, struct kill_request *request);
/* SPAWN_WORKER: one integer. */
int decode_u32(struct span payload, uint32_t *value);
int decode_nothing(struct span payload);

/* What a connection over vsock has begun with, see PV_SECRET. */
enum admission { ADMISSION_PENDING, ADMISSION_GRANTED, ADMISSION_WRONG_SECRET, ADMISSION_REFUSED };
enum { ADMISSION_SIZE = PV_MESSAGE_HEADER_SIZE + PV_SECRET_SIZE };
/* Its first bytes, ADMISSION_SIZE at most. How long it takes says nothing of the secret. */
enum admission decode_admission(struct span begin, const uint8_t secret[PV_SECRET_SIZE]);

/* The next {len u32, bytes} of a checked list; advances it. */
struct span span_take_string(struct span *list);

#endif
