/*
 * The wire between host and guest: codes, limits and layouts.
 *
 * This header is the only place where they are written down; the Swift host and the C agent both
 * compile it. All integers are little-endian; layouts have no padding but where shown.
 *
 *   message:     type u8 | length u32 | payload (length bytes, at most PV_MAX_PAYLOAD)
 *   link frame:  magic u32 | type u8 | flags u8 | channel u16 | length u32 | payload check u32 |
 *                header check u32 | payload (length bytes, at most PV_LINK_MAX_PAYLOAD)
 *
 * Over vsock (or any stream socket) messages follow each other directly; the host begins with SECRET, for any
 * process of the host, and of the guest, can connect to a guest's port. Over a virtio-serial port, which
 * neither tells the guest of a quick reconnect nor drops the bytes of an old one, the stream of messages
 * travels inside link frames: zeros between frames are padding, and a reader that meets a bad frame looks for
 * the next one within what it has.
 */
#ifndef PROVIUM_WIRE_H
#define PROVIUM_WIRE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* ---- limits and addresses ------------------------------------------------------------------- */

/* Raised by one with every incompatible change; READY carries it. */
#define PV_PROTOCOL_VERSION 1u
#define PV_MESSAGE_HEADER_SIZE 5u
/* 16 MiB of payload in one message. */
#define PV_MAX_PAYLOAD 16777216u
/* Payload of one piece of a streamed reply (OUTPUT, DATA) is at most this. */
#define PV_PIECE_SIZE 262059u
#define PV_MAX_SYSCALL_ARGS 6u
#define PV_MAX_BUFFERS 64u
#define PV_MAX_POINTERS 256u
#define PV_MAX_WORKERS 32u
#define PV_NONCE_SIZE 16u
#define PV_SEED_SIZE 32u
#define PV_SECRET_SIZE 32u
#define PV_BUILD_ID_SIZE 16u
/* Background commands of one guest whose results are kept, and bytes of each of a command's two streams. */
#define PV_MAX_JOBS 128u
#define PV_MAX_JOB_STREAM 67108864u
/* How control gets a process out of a blocking call; few programs use the real-time signals. An agent's
   process survives it: one that it has killed was no longer an agent's. */
#define PV_INTERRUPT_SIGNAL 62

/* vsock: the main agent, its control connection, and worker n (1...PV_MAX_WORKERS) on BASE + n. */
#define PV_VSOCK_PORT 5123u
#define PV_VSOCK_CONTROL_PORT 5122u
#define PV_VSOCK_WORKER_BASE 5130u
/* virtio-serial: the port of the main agent, and the port of control (channel 0) and workers (channel n). */
#define PV_PORT_MAIN "org.provium.main"
#define PV_PORT_CONTROL "org.provium.control"

/* ---- requests, host to agent ---------------------------------------------------------------- */

enum pv_request {
  PV_EXEC = 0x01,         /* command */
  PV_WRITE_FILE = 0x02,   /* path_len u32, path, data */
  PV_READ_FILE = 0x03,    /* path; the reply is one FILE_DATA, so at most PV_MAX_PAYLOAD bytes */
  PV_SHUTDOWN = 0x04,     /* none; acknowledged by READY, then the guest powers off */
  PV_SYSCALL = 0x05,      /* nr u32, nargs u32, nbuf u32, {arg_idx i32, buf_len u32} x nbuf, args i64 x nargs,
                             buffer bytes */
  PV_IOCTL = 0x06,        /* fd i32, cmd u32, data */
  PV_EXEC_ASYNC = 0x07,   /* command */
  PV_JOB_WAIT = 0x08,     /* job u32, timeout_ms u32 (0: only look, UINT32_MAX: no limit) -> JOB_RESULT */
  PV_JOB_KILL = 0x09,     /* job u32 -> JOB_RESULT, once its process is gone */
  PV_IOCTL_BUF = 0x0A,    /* fd i32, cmd u32, struct_len u32, nptr u32,
                             {ptr_offset u32, data_len u32, is_output u8, has_input u8, pad 2} x nptr,
                             struct bytes, input bytes */
  PV_SPAWN_WORKER = 0x0B, /* flags u32: PV_SPAWN_FORK or PV_SPAWN_THREAD */
  PV_SYSCALL_PTR = 0x0C,  /* nr, nargs, nbuf, nptr u32; {arg_idx i32, buf_len u32} x nbuf;
                             {buf_idx u32, ptr_offset u32, data_len u32, is_output u8, pad 3} x nptr;
                             args i64 x nargs; buffer bytes; pointer input bytes. buf_idx is the position in
                             the list of buffers; a pointer with is_output = 0 carries data_len input bytes,
                             one with is_output = 1 starts zeroed and is returned, one with
                             is_output = 3 carries input and is returned */

  /* From here on: what the first protocol lacked. */
  PV_RESUME = 0x0D,    /* nonce[16], realtime_ns u64, seed[32] -> RESUMED. Drops what was in flight, sets the
                          clock (realtime_ns = 0: leaves it), feeds and reseeds the random pool */
  PV_EXEC_FULL = 0x0E, /* flags u32 (PV_EXEC_*), timeout_ms u32 (0: none), cwd_len u32, cwd, nenv u32,
                          {len u32, "NAME=value"} x nenv, command_len u32, command
                          -> OUTPUT*, EXEC_DONE | ERROR */
  PV_STDIN = 0x0F,     /* data: appended to the standard input of the next EXEC_FULL -> DONE */
  PV_WRITE_PIECE =
      0x10,              /* flags u32 (PV_WRITE_*), mode u32, offset u64, path_len u32, path, data -> DONE.
                            A piece without CREATE goes to the file that the connection's last CREATE opened */
  PV_READ_STREAM = 0x11, /* path -> DATA*, DONE | ERROR */
  PV_KERNEL_LOG = 0x12,  /* none -> DATA*, DONE | ERROR */
  PV_MOUNT_VFS = 0x13,   /* none -> DONE | ERROR */
  PV_MOUNT = 0x14, /* flags u64, then source, target, fstype, data, each len u32 and bytes -> DONE | ERROR */
  PV_STAT = 0x15,  /* path -> STAT_RESULT | ERROR (lstat) */
  PV_LIST = 0x16,  /* path -> DATA* (entries: type u8 (DT_*), name_len u16, name), DONE | ERROR */
  PV_JOB_COLLECT = 0x17, /* job u32, timeout_ms u32 (0: only look), flags u32 (PV_COLLECT_*)
                            -> OUTPUT*, JOB_DONE | ERROR. Output always starts at its first byte */
  PV_STATE = 0x18,       /* none -> STATE_RESULT */
  PV_QUIESCE = 0x19,     /* none -> DONE. sync(2); a connection that ends after this is a snapshot's, not a
                            lost host's: a worker waits for its next connection */
  PV_ECHO = 0x1A,        /* data -> DATA with the same bytes */
  PV_SECRET = 0x1B, /* secret[32]: the first message of every connection over vsock, and of none over a serial
                       port -> READY. Without the secret that the machine was booted with the connection ends,
                       after ERROR if it was another one */

  /* On the control connection. */
  PV_INTERRUPT =
      0x20,              /* target u32 (0: main agent, n: worker n), flags u32 (PV_INTERRUPT_*),
                            optionally request u32 -> no reply. `request` counts the requests of the target's
                            connection since its READY, from 1: that one is interrupted, also if it has not begun
                            yet, and never another. Without it, or 0: what the target does now, if anything */
  PV_KILL_WORKER = 0x21, /* worker u32, optionally pid i32 -> DONE once it is gone. With a pid (not 0): that
                            worker and no other that has its number by now, else ERROR ESRCH */
};

enum pv_reply {
  PV_READY = 0x80,       /* protocol u16, machine u16 (ELF e_machine), pid i32, boot_nonce[16], build_id[16];
                            the first message of a connection, and the acknowledgement of SHUTDOWN */
  PV_EXEC_RESULT = 0x81, /* exit_code i32, stdout_len u32, stdout, stderr_len u32, stderr */
  PV_FILE_DATA = 0x82,   /* contents, or empty as a write's acknowledgement */
  PV_ERROR = 0x83,       /* errno i32, message */
  PV_SYSCALL_RESULT =
      0x84,                 /* result i64, then the buffers, then the output sub-buffers, in spec order.
                               Also the reply of IOCTL (result, data) and IOCTL_BUF (result, struct, outputs) */
  PV_JOB_STARTED = 0x85,    /* job u32, pid i32 */
  PV_JOB_RESULT = 0x86,     /* running u8, then as EXEC_RESULT */
  PV_WORKER_STARTED = 0x87, /* port u32, pid i32. port: the worker's number n, 1...PV_MAX_WORKERS; its vsock
                               port is PV_VSOCK_WORKER_BASE + n, its link channel n */

  PV_RESUMED = 0x88,   /* nonce[16], cid u32 (0 without vsock), jobs u32 (of this connection), workers u32 */
  PV_OUTPUT = 0x89,    /* stream u8 (1 stdout, 2 stderr), bytes */
  PV_EXEC_DONE = 0x8A, /* exit_code i32 (128+n when killed by signal n), signal i32, flags u32 (PV_DONE_*),
                          holder_pid i32, holder name (bytes, maybe empty) */
  PV_DATA = 0x8B,      /* bytes: one piece of a streamed reply */
  PV_DONE = 0x8C,      /* value i64: bytes moved where that makes sense, else 0 */
  PV_STAT_RESULT =
      0x8D,           /* mode u32, uid u32, gid u32, nlink u32, size u64, ino u64, rdev u64, mtime_ns i64 */
  PV_JOB_DONE = 0x8E, /* running u8, exit_code i32 (-1 while running), signal i32, flags u32 (PV_JOB_*) */
  PV_STATE_RESULT =
      0x8F,       /* busy u32 (how many others are in the middle of a request),
                     njobs u32, {id u32, pid i32, running u8} x njobs,
                     nworkers u32, {n u32, pid i32, thread u8} x nworkers, nfds u32, {fd i32} x nfds */
  PV_GONE = 0x90, /* on the control connection, unasked: target u32, pid i32, wait status i32 */
};

enum pv_exec_flags {
  PV_EXEC_STDIN = 1u << 0,     /* standard input is what STDIN requests have brought; else /dev/null */
  PV_EXEC_CLEAR_ENV = 1u << 1, /* the environment is the given one alone */
};
enum pv_done_flags {
  PV_DONE_TIMED_OUT = 1u << 0,
  PV_DONE_OUTPUT_HELD = 1u << 1, /* the command has exited, somebody still holds its stdout or stderr */
  PV_DONE_INTERRUPTED = 1u << 2,
  PV_DONE_STATUS_UNKNOWN =
      1u << 3, /* a wait of the script's own has taken it, or SIGCHLD is ignored: exit_code is -1 */
};
enum pv_job_flags { PV_JOB_TRUNCATED = 1u << 0 }; /* output beyond PV_MAX_JOB_STREAM was dropped */
enum pv_write_flags {
  PV_WRITE_CREATE = 1u << 0, /* O_CREAT | O_TRUNC, and becomes the connection's open file */
  PV_WRITE_MODE = 1u << 1,   /* set `mode` exactly, whatever the umask */
  PV_WRITE_LAST = 1u << 2,   /* close it after this piece */
};
enum pv_collect_flags { PV_COLLECT_KILL = 1u << 0 };        /* end the process group first */
enum pv_interrupt_flags { PV_INTERRUPT_COMMAND = 1u << 0 }; /* also end the command that an exec runs */
enum pv_spawn_flags { PV_SPAWN_FORK = 0, PV_SPAWN_THREAD = 1 };
enum pv_pointer_flags { PV_POINTER_INPUT = 0, PV_POINTER_OUTPUT = 1, PV_POINTER_BOTH = 3 };

/* ---- link frames (virtio-serial) ------------------------------------------------------------ */

#define PV_LINK_MAGIC 0x4B4C5650u /* "PVLK" */
#define PV_LINK_HEADER_SIZE 20u
/* 64 KiB: what a dirty reader can at most be waiting for, hence the padding that precedes a HELLO. */
#define PV_LINK_MAX_PAYLOAD 65536u
/* What a guest puts into a frame: with its header exactly two of the 32 KiB buffers that virtio_console makes
   of a write. Each buffer costs a guest a trip to its host. */
#define PV_LINK_FULL_PAYLOAD (65536u - PV_LINK_HEADER_SIZE)
_Static_assert(PV_PIECE_SIZE + PV_MESSAGE_HEADER_SIZE == 4 * PV_LINK_FULL_PAYLOAD,
               "a piece fills its frames");
#define PV_LINK_PADDING (PV_LINK_HEADER_SIZE + PV_LINK_MAX_PAYLOAD)

enum pv_link_type {
  PV_LINK_DATA = 1,      /* payload: the next bytes of the channel's stream of messages */
  PV_LINK_HELLO = 2,     /* payload: nonce[16]. Starts the port's session anew: every channel's half-received
                            message is dropped */
  PV_LINK_HELLO_ACK = 3, /* payload: the same nonce; whatever came before it is stale */
  PV_LINK_OPEN = 4,      /* host: a connection to worker `channel` begins. The worker answers with READY */
  PV_LINK_CLOSE = 5, /* either side: the connection of `channel` has ended. From the guest also the answer to
                        OPEN of a worker that does not exist */
};

struct pv_link_header {
  uint32_t magic;
  uint8_t type;
  uint8_t flags; /* 0 */
  uint16_t channel;
  uint32_t length;
  uint32_t payload_check;
  uint32_t header_check; /* of the 16 bytes before it */
};

/*
 * A position-dependent sum of 64-bit words (Fletcher's scheme), folded to 32 bits. The link guards against
 * bytes of an old session glued to a new one, not against line noise; a CRC costs an emulated guest as much
 * as the transport itself.
 */
static inline uint32_t pv_link_check(const void *data, size_t length) {
  const uint8_t *bytes = (const uint8_t *)data;
  uint64_t sum = 0x9E3779B97F4A7C15ull ^ (uint64_t)length, sums = 0, word;
  /* Guests run it emulated, instruction by instruction: four words a turn cost half. */
  while (length >= 32) {
    for (int i = 0; i < 32; i += 8) {
      memcpy(&word, bytes + i, 8);
      sum += word;
      sum = (sum << 1) | (sum >> 63);
      sums += sum;
    }
    bytes += 32;
    length -= 32;
  }
  while (length >= 8) {
    memcpy(&word, bytes, 8);
    sum += word;
    sum = (sum << 1) | (sum >> 63);
    sums += sum;
    bytes += 8;
    length -= 8;
  }
  if (length != 0) {
    word = 0;
    memcpy(&word, bytes, length);
    sum += word;
    sums += sum;
  }
  sums ^= sum * 0xFF51AFD7ED558CCDull;
  return (uint32_t)(sums ^ (sums >> 32));
}

static inline void pv_link_header_make(struct pv_link_header *header, uint8_t type, uint16_t channel,
                                       const void *payload, uint32_t length) {
  header->magic = PV_LINK_MAGIC;
  header->type = type;
  header->flags = 0;
  header->channel = channel;
  header->length = length;
  header->payload_check = pv_link_check(payload, length);
  header->header_check = pv_link_check(header, 16);
}

/* Non-zero when these 20 bytes are a header that can be believed. */
static inline int pv_link_header_valid(const struct pv_link_header *header) {
  return header->magic == PV_LINK_MAGIC && header->length <= PV_LINK_MAX_PAYLOAD &&
         header->type >= PV_LINK_DATA && header->type <= PV_LINK_CLOSE &&
         header->header_check == pv_link_check(header, 16);
}

_Static_assert(sizeof(struct pv_link_header) == PV_LINK_HEADER_SIZE, "link header layout");

#endif
