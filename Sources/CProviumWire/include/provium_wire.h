/*
 * The protocol between host and guest: codes, limits and layouts. Docs/Protocol.md describes it in full.
 *
 * The Swift host and the C agent both compile this header. All integers are little-endian; layouts have no
 * padding except where it is shown.
 *
 *   message:     type u8 | length u32 | payload (length bytes, at most PV_MAX_PAYLOAD)
 *   link frame:  magic u32 | type u8 | flags u8 | channel u16 | length u32 | payload check u32 |
 *                header check u32 | payload (length bytes, at most PV_LINK_MAX_PAYLOAD)
 */
#ifndef PROVIUM_WIRE_H
#define PROVIUM_WIRE_H

#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* ---- limits and addresses ------------------------------------------------------------------- */

/* Sent in READY. Every incompatible change adds one. */
#define PV_PROTOCOL_VERSION 1u
#define PV_MESSAGE_HEADER_SIZE 5u
/* 16 MiB of payload in one message. */
#define PV_MAX_PAYLOAD 16777216u
/* Payload of one message of a streamed reply (OUTPUT, DATA): with its header exactly four full link frames.
 */
#define PV_PIECE_SIZE 262059u
#define PV_MAX_SYSCALL_ARGS 6u
#define PV_MAX_BUFFERS 64u
#define PV_MAX_POINTERS 256u
#define PV_MAX_WORKERS 32u
#define PV_NONCE_SIZE 16u
#define PV_SEED_SIZE 32u
#define PV_SECRET_SIZE 32u
#define PV_BUILD_ID_SIZE 16u
/* Jobs of one guest whose results are kept, and bytes that are kept of each of a job's two streams. */
#define PV_MAX_JOBS 128u
#define PV_MAX_JOB_STREAM 67108864u
/* The signal that ends a blocking call: a real-time signal, which few programs use. */
#define PV_INTERRUPT_SIGNAL 62

/* vsock ports: the main agent, its control connection, and worker n (1...PV_MAX_WORKERS) on BASE + n. */
#define PV_VSOCK_PORT 5123u
#define PV_VSOCK_CONTROL_PORT 5122u
#define PV_VSOCK_WORKER_BASE 5130u
/* Names of virtio-serial ports: the main agent; the control connection (channel 0) and worker n (channel n).
 */
#define PV_PORT_MAIN "org.provium.main"
#define PV_PORT_CONTROL "org.provium.control"
/* The share process: FUSE messages in link frames, over vsock too. Channel n carries share n. */
#define PV_VSOCK_SHARE_PORT 5121u
#define PV_PORT_SHARE "org.provium.share"
#define PV_MAX_SHARES 32u

/* ---- requests, host to agent ---------------------------------------------------------------- */

enum pv_request {
  /* The first protocol. */
  PV_EXEC = 0x01,         /* command -> EXEC_RESULT */
  PV_WRITE_FILE = 0x02,   /* path_len u32, path, data -> FILE_DATA, empty */
  PV_READ_FILE = 0x03,    /* path -> FILE_DATA */
  PV_SHUTDOWN = 0x04,     /* -> READY, then the guest is switched off */
  PV_SYSCALL = 0x05,      /* see Docs/Protocol.md -> SYSCALL_RESULT */
  PV_IOCTL = 0x06,        /* fd i32, cmd u32, data -> SYSCALL_RESULT */
  PV_EXEC_ASYNC = 0x07,   /* command -> JOB_STARTED */
  PV_JOB_WAIT = 0x08,     /* job u32, timeout_ms u32 -> JOB_RESULT */
  PV_JOB_KILL = 0x09,     /* job u32 -> JOB_RESULT */
  PV_IOCTL_BUF = 0x0A,    /* see Docs/Protocol.md -> SYSCALL_RESULT */
  PV_SPAWN_WORKER = 0x0B, /* kind u32 (PV_SPAWN_*) -> WORKER_STARTED */
  PV_SYSCALL_PTR = 0x0C,  /* see Docs/Protocol.md -> SYSCALL_RESULT */

  /* Additions. */
  PV_RESUME = 0x0D,      /* nonce[16], realtime_ns u64, seed[32] -> RESUMED */
  PV_EXEC_FULL = 0x0E,   /* flags u32 (PV_EXEC_*), timeout_ms u32, cwd_len u32, cwd, nenv u32,
                            {len u32, "NAME=value"} x nenv, command_len u32, command -> OUTPUT*, EXEC_DONE */
  PV_STDIN = 0x0F,       /* data -> DONE */
  PV_WRITE_PIECE = 0x10, /* flags u32 (PV_WRITE_*), mode u32, offset u64, path_len u32, path, data -> DONE */
  PV_READ_STREAM = 0x11, /* path -> DATA*, DONE */
  PV_KERNEL_LOG = 0x12,  /* -> DATA*, DONE */
  PV_MOUNT_VFS = 0x13,   /* -> DONE */
  PV_MOUNT = 0x14,       /* flags u64, then source, target, fstype, data: each len u32 and bytes -> DONE */
  PV_STAT = 0x15,        /* path -> STAT_RESULT */
  PV_LIST = 0x16,        /* path -> DATA* (entries: type u8, name_len u16, name), DONE */
  PV_JOB_COLLECT = 0x17, /* job u32, timeout_ms u32, flags u32 (PV_COLLECT_*) -> OUTPUT*, JOB_DONE */
  PV_STATE = 0x18,       /* -> STATE_RESULT */
  PV_QUIESCE = 0x19,     /* -> DONE; also on the control connection */
  PV_ECHO = 0x1A,        /* data -> DATA; also on the control connection */
  PV_SECRET = 0x1B,      /* secret[32] -> READY; the first message of every connection over vsock */
  PV_INTERFACE = 0x1C, /* find[6], address[6], mtu u32, host_len u32, host name, naddr u32, {family u8 (4, 6),
                          prefix u8, flags u8 (PV_ADDRESS_*), address[16]} x naddr, nroutes u32, {family u8,
                          prefix u8, destination[16], gateway[16]} x nroutes -> DATA, the interface's name */
  PV_SHARE = 0x1D,     /* number u32 (1...PV_MAX_SHARES), target_len u32, target -> DONE; then FUSE messages
                          on the share port */

  /* Processes with live streams. A process is a job whose streams the host reads and writes while it runs. */
  PV_PROCESS_START = 0x30,  /* flags u32 (PV_PROCESS_*), columns u16, rows u16, cwd_len u32, cwd, nenv u32,
                               {len u32, "NAME=value"} x nenv, command_len u32, command -> JOB_STARTED */
  PV_PROCESS_READ = 0x31,   /* job u32, streams u32 (PV_STREAM_*), flags u32 (PV_PROCESS_FOLLOW), limit u32,
                               timeout_ms u32 -> OUTPUT*, PROCESS_STATE */
  PV_PROCESS_WRITE = 0x32,  /* job u32, flags u32 (PV_PROCESS_CLOSE), timeout_ms u32, data -> DONE */
  PV_PROCESS_SIGNAL = 0x33, /* job u32, signal u32 -> DONE */
  PV_PROCESS_RESIZE = 0x34, /* job u32, columns u16, rows u16 -> DONE */
  PV_PROCESS_END = 0x35,    /* job u32 -> DONE: the process group is killed and the job is forgotten */

  /* On the control connection only. */
  PV_INTERRUPT = 0x20,   /* target u32, flags u32 (PV_INTERRUPT_*), optionally request u32; no reply */
  PV_KILL_WORKER = 0x21, /* worker u32, optionally pid i32 -> DONE */
  PV_FOLLOW_LOG = 0x22,  /* start u32 (PV_FOLLOW_*), credit u32 -> DONE, then LOG_RECORDS without end */
  PV_LOG_CREDIT = 0x23,  /* bytes u32; no reply */
  PV_LOG_SYNC = 0x24,    /* token u32, not 0; no reply but a LOG_RECORDS with the token */
};

/* ---- replies, agent to host ----------------------------------------------------------------- */

enum pv_reply {
  PV_READY = 0x80,          /* protocol u16, machine u16, pid i32, boot_nonce[16], build_id[16] */
  PV_EXEC_RESULT = 0x81,    /* exit_code i32, stdout_len u32, stdout, stderr_len u32, stderr */
  PV_FILE_DATA = 0x82,      /* contents */
  PV_ERROR = 0x83,          /* errno i32, text */
  PV_SYSCALL_RESULT = 0x84, /* result i64, buffers, output pointers */
  PV_JOB_STARTED = 0x85,    /* job u32, pid i32 */
  PV_JOB_RESULT = 0x86,     /* running u8, then as EXEC_RESULT */
  PV_WORKER_STARTED = 0x87, /* worker u32, pid i32 */

  PV_RESUMED = 0x88,   /* nonce[16], cid u32, jobs u32, workers u32 */
  PV_OUTPUT = 0x89,    /* stream u8 (1 stdout, 2 stderr), bytes */
  PV_EXEC_DONE = 0x8A, /* exit_code i32, signal i32, flags u32 (PV_DONE_*), owner_pid i32, owner name */
  PV_DATA = 0x8B,      /* bytes */
  PV_DONE = 0x8C,      /* value i64 */
  PV_STAT_RESULT =
      0x8D,           /* mode u32, uid u32, gid u32, nlink u32, size u64, ino u64, rdev u64, mtime_ns i64 */
  PV_JOB_DONE = 0x8E, /* running u8, exit_code i32, signal i32, flags u32 (PV_JOB_*) */
  PV_STATE_RESULT = 0x8F, /* busy u32, njobs u32, {id u32, pid i32, running u8} x njobs,
                             nworkers u32, {n u32, pid i32, kind u8 (PV_SPAWN_*)} x nworkers,
                             nfds u32, {fd i32} x nfds */

  PV_PROCESS_STATE = 0x92, /* running u8, exit_code i32, signal i32, open streams u32 (PV_STREAM_*) */

  /* On the control connection, without a request. */
  PV_GONE = 0x90,        /* target u32, pid i32, wait status i32 */
  PV_LOG_RECORDS = 0x91, /* lost u64, token u32, then records: sequence u64, time_us u64, priority u16,
                            flags u8 (PV_RECORD_*), length u16, text */
};

/* ---- flags ---------------------------------------------------------------------------------- */

enum pv_exec_flags {
  PV_EXEC_STDIN = 1u << 0,     /* standard input is the data of the STDIN requests; otherwise it is empty */
  PV_EXEC_CLEAR_ENV = 1u << 1, /* the given variables are the whole environment */
};
enum pv_done_flags {
  PV_DONE_TIMED_OUT = 1u << 0,
  PV_DONE_OUTPUT_HELD = 1u << 1, /* the command has exited, and another process has its output open */
  PV_DONE_INTERRUPTED = 1u << 2,
  PV_DONE_STATUS_UNKNOWN = 1u << 3, /* another wait has taken the exit status: exit_code is -1 */
};
enum pv_job_flags { PV_JOB_TRUNCATED = 1u << 0 }; /* output beyond PV_MAX_JOB_STREAM was dropped */
/* Streams of a process, as bits; OUTPUT names the same streams 1 and 2. */
enum pv_streams { PV_STREAM_OUTPUT = 1u << 0, PV_STREAM_ERROR = 1u << 1, PV_STREAM_INPUT = 1u << 2 };
enum pv_process_flags {
  PV_PROCESS_TERMINAL = 1u << 0, /* PROCESS_START: the three streams are a new pseudo-terminal */
  PV_PROCESS_CLEAR_ENV = 1u << 1 /* PROCESS_START: as PV_EXEC_CLEAR_ENV */
};
enum pv_process_read_flags { PV_PROCESS_FOLLOW = 1u << 0 }; /* read until the limit, the time or the end */
enum pv_process_write_flags { PV_PROCESS_CLOSE = 1u << 0 }; /* close the stream after the data */
enum pv_write_flags {
  PV_WRITE_CREATE = 1u << 0, /* create or truncate the file and keep it open */
  PV_WRITE_MODE = 1u << 1,   /* set exactly `mode`, whatever the umask */
  PV_WRITE_LAST = 1u << 2,   /* close the file after this piece */
};
enum pv_collect_flags { PV_COLLECT_KILL = 1u << 0 };        /* kill the process group first */
enum pv_interrupt_flags { PV_INTERRUPT_COMMAND = 1u << 0 }; /* also end a running command */
enum pv_pointer_flags { PV_POINTER_INPUT = 0, PV_POINTER_OUTPUT = 1, PV_POINTER_BOTH = 3 };
enum pv_spawn_kind {
  PV_SPAWN_FORK = 0,   /* a copy of the main agent */
  PV_SPAWN_THREAD = 1, /* a thread of the main agent's process */
  PV_SPAWN_SHARED = 2, /* a process of its own that shares memory and descriptors with the main agent */
};
/* In the status of GONE, above the bits of wait4(2). */
enum pv_gone_flags {
  PV_GONE_WITH_PROCESS = 1u << 16
}; /* a thread that ended with the main agent's process */
enum pv_follow_start {
  PV_FOLLOW_OLDEST = 0,   /* the oldest record that the kernel has kept */
  PV_FOLLOW_CONTINUE = 1, /* after the last record that an earlier connection of this boot has read */
  PV_FOLLOW_NEWEST = 2,   /* records that are logged from now on */
};
enum pv_record_flags {
  PV_RECORD_FRAGMENT = 1u << 0,  /* the record is a part of a line */
  PV_RECORD_TRUNCATED = 1u << 1, /* the text was longer than PV_MAX_RECORD_TEXT */
};
enum pv_address_flags { PV_ADDRESS_OPTIONAL = 1u << 0 }; /* a kernel without its family may refuse it */
/* Bytes of an address and of a route in INTERFACE, and the largest number of each. */
#define PV_INTERFACE_ADDRESS_SIZE 19u
#define PV_INTERFACE_ROUTE_SIZE 34u
#define PV_MAX_INTERFACE_ENTRIES 32u
#define PV_RECORD_HEADER_SIZE 21u
#define PV_MAX_RECORD_TEXT 4096u

/* ---- link frames (virtio-serial) ------------------------------------------------------------ */

#define PV_LINK_MAGIC 0x4B4C5650u /* "PVLK" */
#define PV_LINK_HEADER_SIZE 20u
#define PV_LINK_MAX_PAYLOAD 65536u
/*
 * Payload of the frames that a guest sends: with its header a frame fills exactly two of the 32 KiB buffers
 * that virtio_console copies a write to. Each buffer costs a guest an exit to its host.
 */
#define PV_LINK_FULL_PAYLOAD (65536u - PV_LINK_HEADER_SIZE)
_Static_assert(PV_PIECE_SIZE + PV_MESSAGE_HEADER_SIZE == 4 * PV_LINK_FULL_PAYLOAD,
               "a piece fills its frames");
/* Zeros before a HELLO: as many bytes as a reader can miss of the largest frame. */
#define PV_LINK_PADDING (PV_LINK_HEADER_SIZE + PV_LINK_MAX_PAYLOAD)

enum pv_link_type {
  PV_LINK_DATA = 1,  /* the next bytes of the channel's stream of messages */
  PV_LINK_HELLO = 2, /* nonce[16]: starts a new session; half-received messages of all channels are dropped */
  PV_LINK_HELLO_ACK = 3, /* the same nonce; the bytes before it are of an earlier session */
  PV_LINK_OPEN = 4,      /* host: starts a connection to worker `channel`, which answers with READY */
  PV_LINK_CLOSE = 5,     /* ends the connection of `channel`; from the guest also: there is no such worker */
  PV_LINK_WINDOW =
      6, /* share port. host: mark[16], at the start of each page of the window. guest: bytes u32 */
  PV_LINK_PLACED = 7, /* share port, host: struct pv_link_placed */
};

/*
 * A FUSE reply whose data is in the window: memory of the host that the guest sees as that of an ivshmem
 * device. The guest sends WINDOW with the bytes that it has taken, by their `cost`.
 */
struct pv_link_placed {
  uint8_t reply[16]; /* struct fuse_out_header */
  uint32_t offset, length;
  uint32_t cost; /* `length`, and bytes that were left out before */
  uint32_t reserved;
};
_Static_assert(sizeof(struct pv_link_placed) == 32, "placed reply layout");
#define PV_WINDOW_MARK_SIZE 16u
#define PV_WINDOW_PAGE 4096u
#define PV_WINDOW_SIZE (4u << 20)
#define PV_WINDOW_MAX (64 << 20)

/*
 * Messages for the share process itself, in place of a FUSE reply: `unique` is 0, as in notices of FUSE, and
 * `error` is one of these, which no notice has.
 */
#define PV_SHARE_AHEAD 1001 /* answers to requests that may come: struct pv_ahead and its data, each */
#define PV_SHARE_DROP 1002  /* drops all of them; no data */
#define PV_AHEAD_ANSWERS 64u
#define PV_AHEAD_MAX (128u << 10) /* bytes after the header */

/* The answer to a request with these values. `length` bytes of data follow, and zeros up to a multiple of 8.
 */
struct pv_ahead {
  uint64_t node, offset;
  uint32_t operation, length;
};
_Static_assert(sizeof(struct pv_ahead) == 24, "answer ahead layout");

struct pv_link_header {
  uint32_t magic;
  uint8_t type;
  uint8_t flags; /* 0 */
  uint16_t channel;
  uint32_t length;
  uint32_t payload_check;
  uint32_t header_check; /* of the preceding 16 bytes */
};

/*
 * A checksum that depends on positions: Fletcher's scheme with 64-bit words, folded to 32 bits. It must
 * detect bytes of an earlier session before bytes of a new one, not transmission errors. A CRC would cost an
 * emulated guest as much time as the transport itself.
 */
static inline uint32_t pv_link_check(const void *data, size_t length) {
  const uint8_t *bytes = (const uint8_t *)data;
  uint64_t sum = 0x9E3779B97F4A7C15ull ^ (uint64_t)length, sums = 0, word;
  /* Four words in each step halve the time in an emulated guest. */
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

/* Returns non-zero if these 20 bytes are a valid header. */
static inline int pv_link_header_valid(const struct pv_link_header *header) {
  return header->magic == PV_LINK_MAGIC && header->length <= PV_LINK_MAX_PAYLOAD &&
         header->type >= PV_LINK_DATA && header->type <= PV_LINK_PLACED &&
         header->header_check == pv_link_check(header, 16);
}

_Static_assert(sizeof(struct pv_link_header) == PV_LINK_HEADER_SIZE, "link header layout");

#endif
