/*
 * Linux calls that Swift cannot express: a spawn that is safe in a threaded process, descriptor passing,
 * vsock addresses. Every function returns 0 (or a descriptor) on success and -errno on failure.
 */
#ifndef CLINUX_H
#define CLINUX_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/types.h>

struct clinux_fd_map {
  int parent_fd;
  int child_fd;
};

struct clinux_spawn {
  const char *path;                /* absolute */
  char *const *argv;               /* NULL-terminated */
  char *const *envp;               /* NULL-terminated */
  const char *directory;           /* NULL: the parent's */
  const struct clinux_fd_map *fds; /* what the child gets; every other descriptor is closed on exec */
  size_t fd_count;
  int death_signal; /* sent to the child when the *thread* that spawned it ends; 0: none */
  bool new_session; /* setsid: out of reach of the terminal's Ctrl-C; else a process group of its own */
};

/* Which step of a spawn failed, for the message. */
enum clinux_spawn_step {
  CLINUX_SPAWN_FORK,
  CLINUX_SPAWN_DIRECTORY,
  CLINUX_SPAWN_DESCRIPTORS,
  CLINUX_SPAWN_EXEC
};

int clinux_spawn(const struct clinux_spawn *request, pid_t *pid, enum clinux_spawn_step *step);

int clinux_pidfd_open(pid_t pid);
/* Waits for the child `pid`; `status` as of waitpid(2). Returns 1 when it has ended, 0 when not yet
 * (no_hang). */
int clinux_wait(pid_t pid, bool no_hang, int *status);

/* The most descriptors of one message. */
#define CLINUX_SENT_DESCRIPTORS 128
/* Sends `bytes` with descriptors attached (SCM_RIGHTS). */
int clinux_send_fds(int socket, const void *bytes, size_t length, const int *fds, size_t count);

/* A non-blocking vsock stream socket with a connect to (cid, port) begun. */
int clinux_vsock_connect(uint32_t cid, uint32_t port);
/* The pending error of a socket (SO_ERROR): 0 or -errno. */
int clinux_socket_error(int socket);
/* Bytes that the peer has not read yet (SIOCOUTQ). */
int clinux_socket_unread(int socket);
/* Whether this process may make vsock sockets: 0 or -errno. */
int clinux_vsock_allowed(void);
/* VHOST_VSOCK_SET_GUEST_CID on an open /dev/vhost-vsock. */
int clinux_vhost_set_cid(int fd, uint64_t cid);

struct pollfd;
/* The largest number of frames in one call. */
#define CLINUX_FRAMES 32
/* A connected pair of non-blocking packet sockets (SOCK_SEQPACKET) whose sends may hold `buffer` bytes. */
int clinux_packet_pair(int ends[2], int buffer);
/*
 * Receives at most `count` packets, the i-th at memory + i * slot, without blocking. Returns their number or
 * -errno. The length of a packet that is larger than its slot is UINT32_MAX.
 */
int clinux_receive_frames(int socket, void *memory, size_t slot, int count, uint32_t *lengths);
/* Sends packets without blocking. Returns the number of those sent, or -errno where the first one failed. */
int clinux_send_frames(int socket, const void *const *frames, const uint32_t *lengths, int count);
/* ppoll(2). Returns the number of ready entries or -errno. UINT64_MAX nanoseconds: no time limit. */
int clinux_poll(struct pollfd *entries, size_t count, uint64_t nanoseconds);

void clinux_sha256(const void *bytes, size_t length, uint8_t digest[32]);
/* The SHA-256 of the descriptor's bytes from its offset to its end. 0 or -errno. */
int clinux_sha256_file(int fd, uint8_t digest[32]);
/* A digest of a file's contents that does not depend on where its holes are. Not cryptographic. 0 or -errno.
 */
int clinux_content_digest(int fd, uint64_t digest[4]);
/* Copies what is not zero, by pages; the rest are holes. Shares all of it where the file system can. `to` is
 * empty. 0 or -errno. */
int clinux_copy_sparse(int from, int to);
/* A file without a name in `folder`, gone with its last descriptor. A descriptor (close-on-exec) or -errno.
 */
int clinux_temporary_file(const char *folder);
/* Makes a range a hole, where the file system can; the size stays. 0 or -errno. */
int clinux_punch_hole(int fd, off_t offset, off_t length);
/* The offset of the first occurrence; -1: there is none. */
ssize_t clinux_find(const void *bytes, size_t length, const void *needle, size_t needle_length);

/* The result of running a small guest under KVM. */
enum clinux_kvm_outcome {
  CLINUX_KVM_USABLE,
  CLINUX_KVM_UNPROVEN,      /* makes machines; what they run was not tried */
  CLINUX_KVM_CANNOT_OPEN,   /* detail: errno */
  CLINUX_KVM_NO_MACHINE,    /* opens, but makes no machine; detail: errno */
  CLINUX_KVM_DOES_NOT_RUN,  /* guest code ends in an internal error; detail: errno or 0 */
  CLINUX_KVM_WRONG_RESULTS, /* guest code runs, and computes wrongly */
  CLINUX_KVM_TIMED_OUT,
};
struct clinux_kvm_verdict {
  enum clinux_kvm_outcome outcome;
  int detail;
};
/* Runs guest code through `device` for at most `limit_ms`, in a process of its own. On other machines than
 * x86-64, for which there is no guest code here, it only makes a machine. */
struct clinux_kvm_verdict clinux_kvm_probe(const char *device, int limit_ms);

/* "ENOENT" for 2; NULL when there is no such errno. */
const char *clinux_errno_name(int number);
/* "KILL" for 9; NULL when there is no such signal. */
const char *clinux_signal_name(int number);

/* pipe2(2) with O_CLOEXEC: ends[0] is read, ends[1] written. */
int clinux_pipe(int ends[2]);
/* Processors that this process may run on; 0 when the kernel does not say. */
int clinux_processors(void);
/* An eventfd(2), close-on-exec and non-blocking. */
int clinux_eventfd(void);
/* A file in memory of this size (memfd_create(2)), close-on-exec. */
int clinux_memory_file(const char *name, size_t size);
/* Names the calling thread; the kernel keeps 15 bytes. */
void clinux_thread_name(const char *name);

struct stat;
/* A descriptor of a path itself (O_PATH). The path is relative to a directory, or AT_FDCWD. */
int clinux_open_path(int directory, const char *path, int flags);
/* The status of a path itself. Mounts nothing. */
int clinux_status(int directory, const char *path, struct stat *status);
/*
 * A descriptor (O_PATH) of a path below the directory `root`. No component may be "..", a symbolic link, or
 * with `one_file_system` on another file system; the last one is not followed either. An empty path is
 * `root`.
 */
int clinux_open_beneath(int root, const char *path, int flags, bool one_file_system);
/* The same without openat2(2), which hosts before Linux 5.6 lack. */
int clinux_walk_beneath(int root, const char *path, int flags, bool one_file_system);
/* Opens the file of an O_PATH descriptor through /proc. */
int clinux_reopen(int fd, int flags);
/* Extended attributes of the file of an O_PATH descriptor, also of a symbolic link. Return the length. */
long clinux_get_attribute(int fd, const char *name, void *value, size_t size);
long clinux_list_attributes(int fd, void *names, size_t size);

struct clinux_file_system {
  uint64_t type; /* a magic number of linux/magic.h */
  uint64_t block_size, blocks, free_blocks, available_blocks, files, free_files;
};
int clinux_file_system(int fd, struct clinux_file_system *facts);

/* The two parts of a device number, which are macros in C. */
unsigned clinux_major(dev_t device);
unsigned clinux_minor(dev_t device);

#endif
