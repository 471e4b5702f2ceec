/*
 * Decodes the payloads of requests. Pure functions over untrusted bytes.
 *
 * Each returns 0 or an errno (positive) for the reply ERROR: EINVAL for a malformed payload, EMSGSIZE for a
 * request whose reply would be too large. Nothing is copied: spans point into the payload. Every count and
 * length is checked against the bytes that were really sent, so handlers can use the decoded values without
 * further checks.
 */
#ifndef PROVIUM_DECODE_H
#define PROVIUM_DECODE_H

#include <stdbool.h>

#include "message.h"

/* One system call with the memory that its arguments point to: SYSCALL, SYSCALL_PTR, IOCTL and IOCTL_BUF. */
struct call_buffer {
  uint32_t argument; /* index of the argument that receives the address of the buffer */
  uint32_t length;
  const uint8_t *input;
};
struct call_pointer {
  uint32_t buffer; /* index of the buffer that contains the pointer, at `offset` */
  uint32_t offset;
  uint32_t length;
  bool is_output;
  bool has_input;
  const uint8_t *input; /* NULL without input: the memory is zeroed */
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

struct process_start_request {
  struct exec_request exec;
  uint16_t columns, rows;
  bool terminal;
};

struct process_request {
  uint32_t job;
  uint32_t streams, flags, limit, timeout_ms, signal;
  uint16_t columns, rows;
  struct span data;
};

struct write_request {
  uint32_t flags, mode;
  uint64_t offset;
  struct span path, data;
};

struct share_request_target {
  uint32_t number;
  struct span target;
};

struct mount_request {
  uint64_t flags;
  struct span source, target, type, data;
};

struct resume_request {
  const uint8_t *nonce, *seed;
  uint64_t realtime_ns;
};

/* INTERFACE: what an interface of the guest is to have, and no other address. */
struct interface_request {
  const uint8_t *find, *address; /* 6 bytes each */
  uint32_t mtu;                  /* 0: unchanged */
  struct span host_name;         /* empty: unchanged */
  uint32_t address_count, route_count;
  const uint8_t *addresses; /* entries of PV_INTERFACE_ADDRESS_SIZE */
  const uint8_t *routes;    /* entries of PV_INTERFACE_ROUTE_SIZE */
};

struct job_request {
  uint32_t job, timeout_ms, flags;
};

struct interrupt_request {
  uint32_t target, flags, request;
};

struct kill_request {
  uint32_t worker;
  int32_t pid; /* 0: any worker with that number */
};

struct follow_request {
  uint32_t start, credit;
};

/* A decoded request of a serving process. */
union request {
  struct call_request call;           /* SYSCALL, SYSCALL_PTR, IOCTL, IOCTL_BUF */
  struct exec_request exec;           /* EXEC, EXEC_ASYNC, EXEC_FULL */
  struct process_start_request start; /* PROCESS_START */
  struct process_request process;     /* the other PROCESS requests */
  struct write_request write;         /* WRITE_FILE, WRITE_PIECE */
  struct mount_request mount;         /* MOUNT */
  struct share_request_target share;  /* SHARE */
  struct resume_request resume;       /* RESUME */
  struct job_request job;             /* JOB_WAIT, JOB_KILL, JOB_COLLECT */
  struct span bytes;                  /* a path, or data */
  uint32_t spawn_kind;                /* SPAWN_WORKER */
  struct interface_request interface; /* INTERFACE */
};

int decode_syscall(struct span payload, union request *request);
int decode_syscall_ptr(struct span payload, union request *request);
int decode_ioctl(struct span payload, union request *request);
int decode_ioctl_buf(struct span payload, union request *request);
/* EXEC and EXEC_ASYNC: a command without options. */
int decode_command(struct span payload, union request *request);
int decode_exec_full(struct span payload, union request *request);
int decode_process_start(struct span payload, union request *request);
int decode_process_read(struct span payload, union request *request);
int decode_process_write(struct span payload, union request *request);
int decode_process_signal(struct span payload, union request *request);
int decode_process_resize(struct span payload, union request *request);
int decode_process_end(struct span payload, union request *request);
int decode_write_file(struct span payload, union request *request);
int decode_write_piece(struct span payload, union request *request);
int decode_job_wait(struct span payload, union request *request);
int decode_job_kill(struct span payload, union request *request);
int decode_job_collect(struct span payload, union request *request);
int decode_path(struct span payload, union request *request);
int decode_bytes(struct span payload, union request *request);
int decode_mount(struct span payload, union request *request);
int decode_share(struct span payload, union request *request);
int decode_resume(struct span payload, union request *request);
int decode_spawn(struct span payload, union request *request);
int decode_interface(struct span payload, union request *request);
int decode_nothing(struct span payload, union request *request);

/* Requests of the control connection. */
int decode_interrupt(struct span payload, struct interrupt_request *request);
int decode_kill(struct span payload, struct kill_request *request);
int decode_follow(struct span payload, struct follow_request *request);
/* LOG_CREDIT and LOG_SYNC. */
int decode_u32(struct span payload, uint32_t *value);

/* The result of the first bytes of a connection over vsock, see PV_SECRET. */
enum admission { ADMISSION_PENDING, ADMISSION_GRANTED, ADMISSION_WRONG_SECRET, ADMISSION_REFUSED };
enum { ADMISSION_SIZE = PV_MESSAGE_HEADER_SIZE + PV_SECRET_SIZE };
/* Checks the first bytes, at most ADMISSION_SIZE. The time it takes does not depend on the secret. */
enum admission decode_admission(struct span begin, const uint8_t secret[PV_SECRET_SIZE]);

/* Removes the next {len u32, bytes} from a checked list and returns its bytes. */
struct span span_take_string(struct span *list);

#endif
