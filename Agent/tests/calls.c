/* System calls and ioctls with memory. */
#include <fcntl.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/syscall.h>

#include "harness.h"

static void check_raw_results(struct peer *peer) {
  struct reply reply = call_syscall(peer, 0, SYS_getpid, 0, 0, 0);
  CHECK(reply.type == PV_SYSCALL_RESULT && reply.payload.length == 8 && result_of(&reply) > 0);
  reply = call_syscall(peer, 0, SYS_close, 4000, 0, 0);
  CHECK(result_of(&reply) == -EBADF);
  reply = call_syscall(peer, 0, 100000, 0, 0, 0);
  CHECK(result_of(&reply) == -ENOSYS);
}

/* Results have 64 bits, and a large value is not taken for an errno. */
static void check_large_results(struct peer *peer) {
  struct bytes map = {0};
  put_u32(&map, SYS_mmap);
  put_u32(&map, 6);
  put_u32(&map, 0);
  const int64_t arguments[6] = {0, 4096, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0};
  put(&map, arguments, sizeof arguments);
  struct reply reply = peer_call(peer, PV_SYSCALL, &map);
  CHECK(reply.type == PV_SYSCALL_RESULT && result_of(&reply) > (int64_t)UINT32_MAX &&
        result_of(&reply) % 4096 == 0);
  /* An offset in a sparse file of 2^62 bytes is returned exactly. */
  reply = call_syscall(peer, 0, SYS_memfd_create, result_of(&reply), 0, 0);
  int64_t fd = result_of(&reply), far = (1ll << 62) + 12345;
  reply = call_syscall(peer, 0, SYS_lseek, fd, far, SEEK_SET);
  CHECK(fd >= 0 && result_of(&reply) == far);
  reply = call_syscall(peer, 0, SYS_close, fd, 0, 0);
  CHECK(result_of(&reply) == 0);
}

static struct bytes buffer_call(long number, uint32_t arguments, uint32_t argument, uint32_t length) {
  struct bytes payload = {0};
  put_u32(&payload, (uint32_t)number);
  put_u32(&payload, arguments);
  put_u32(&payload, 1);
  put_u32(&payload, argument);
  put_u32(&payload, length);
  return payload;
}

static void check_buffer(struct peer *peer) {
  int64_t arguments[3] = {0, 0, 64};
  struct bytes payload = buffer_call(SYS_readlinkat, 4, 1, 32);
  /* readlinkat(AT_FDCWD, path, NULL, 64) fails with EFAULT or EINVAL; the buffer with the path is returned */
  put_u64(&payload, (uint64_t)AT_FDCWD);
  put(&payload, arguments, sizeof arguments);
  uint8_t path[32] = "/proc/self/exe";
  put(&payload, path, sizeof path);
  struct reply reply = peer_call(peer, PV_SYSCALL, &payload);
  CHECK(reply.type == PV_SYSCALL_RESULT && reply.payload.length == 8 + 32);
  CHECK(memcmp(reply.payload.data + 8, path, sizeof path) == 0);

  struct bytes uname = buffer_call(SYS_uname, 1, 0, 390);
  put_u64(&uname, 0);
  for (int i = 0; i < 390; i++) {
    put_u8(&uname, 0);
  }
  reply = peer_call(peer, PV_SYSCALL, &uname);
  CHECK(reply.type == PV_SYSCALL_RESULT && result_of(&reply) == 0 &&
        memcmp(reply.payload.data + 8, "Linux", 6) == 0);
}

static void put_pointer(struct bytes *payload, uint32_t buffer, uint32_t offset, uint32_t length,
                        uint8_t flags) {
  put_u32(payload, buffer);
  put_u32(payload, offset);
  put_u32(payload, length);
  put_u8(payload, flags);
  put_u8(payload, 0);
  put_u16(payload, 0);
}

/* writev and readv over a pipe: an array of two {pointer, length}. */
static struct bytes vector_call(long number, int fd, uint32_t first_offset, uint32_t second_offset,
                                uint32_t second_buffer, uint8_t flags, bool with_input) {
  struct bytes payload = {0};
  put_u32(&payload, (uint32_t)number);
  put_u32(&payload, 3);
  put_u32(&payload, 1);
  put_u32(&payload, 2);
  put_u32(&payload, 1);
  put_u32(&payload, 32);
  put_pointer(&payload, 0, first_offset, 5, flags);
  put_pointer(&payload, second_buffer, second_offset, 6, flags);
  put_u64(&payload, (uint64_t)fd);
  put_u64(&payload, 0);
  put_u64(&payload, 2);
  put_u64(&payload, 0);
  put_u64(&payload, 5);
  put_u64(&payload, 0);
  put_u64(&payload, 6);
  if (with_input) {
    put(&payload, "hello world", 11);
  }
  return payload;
}

static void make_pipe(struct peer *peer, int ends[2]) {
  struct bytes payload = buffer_call(SYS_pipe2, 2, 0, 8);
  put_u64(&payload, 0);
  put_u64(&payload, 0);
  put_u64(&payload, 0);
  struct reply reply = peer_call(peer, PV_SYSCALL, &payload);
  CHECK(result_of(&reply) == 0);
  ends[0] = (int)get_u32(&reply.payload, 8);
  ends[1] = (int)get_u32(&reply.payload, 12);
}

static void check_pointers(struct peer *peer) {
  int ends[2];
  make_pipe(peer, ends);
  CHECK(ends[0] < 100 && ends[1] < 100); /* the agent's own descriptors have high numbers */
  struct bytes payload = vector_call(SYS_writev, ends[1], 0, 16, 0, PV_POINTER_INPUT, true);
  struct reply reply = peer_call(peer, PV_SYSCALL_PTR, &payload);
  CHECK(result_of(&reply) == 11 && reply.payload.length == 8 + 32);
  payload = vector_call(SYS_readv, ends[0], 0, 16, 0, PV_POINTER_OUTPUT, false);
  reply = peer_call(peer, PV_SYSCALL_PTR, &payload);
  CHECK(result_of(&reply) == 11 && reply.payload.length == 8 + 32 + 11);
  CHECK(reply.payload.length == 51 && memcmp(reply.payload.data + 40, "hello world", 11) == 0);
  /* Input and output: bytes that the call does not change are returned as they were sent. */
  payload = vector_call(SYS_readv, 4000, 0, 16, 0, PV_POINTER_BOTH, true);
  reply = peer_call(peer, PV_SYSCALL_PTR, &payload);
  CHECK(result_of(&reply) == -EBADF && reply.payload.length == 51);
  CHECK(reply.payload.length == 51 && memcmp(reply.payload.data + 40, "hello world", 11) == 0);

  const struct {
    uint32_t first, second, buffer;
  } bad[] = {{0, 4, 0},  {0, 0, 0},          {7, 0, 0},  {0, 25, 0},
             {0, 32, 0}, {0, UINT32_MAX, 0}, {0, 16, 1}, {0, 16, UINT32_MAX}};
  for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++) {
    payload =
        vector_call(SYS_writev, ends[1], bad[i].first, bad[i].second, bad[i].buffer, PV_POINTER_INPUT, true);
    reply = peer_call(peer, PV_SYSCALL_PTR, &payload);
    CHECK(reply.type == PV_ERROR && get_u32(&reply.payload, 0) == EINVAL);
  }
}

/* Counts and lengths that the payload does not contain are refused. */
static void check_lies(struct peer *peer) {
  static const uint32_t headers[][5] = {
      {39, 7, 0, 0, 0},          {39, UINT32_MAX, 0, 0, 0}, {39, 1, 65, 0, 0},
      {39, 1, UINT32_MAX, 0, 0}, {39, 1, 1, 1, 4},          {39, 1, 1, UINT32_MAX, 4},
      {39, 1, 1, 0, UINT32_MAX}, {39, 1, 1, 0, 0},          {39, 1, 1, 0, 0x80000000},
      {39, 0, 1, 0, 4},          {39, 1, 2, 0, 4},
  };
  for (size_t i = 0; i < sizeof headers / sizeof headers[0]; i++) {
    struct bytes payload = {0};
    put(&payload, headers[i], sizeof headers[i]);
    put_u64(&payload, 0);
    put_u32(&payload, 0);
    put_u32(&payload, 0); /* four bytes more than a correct payload */
    struct reply reply = peer_call(peer, PV_SYSCALL, &payload);
    CHECK(reply.type == PV_ERROR && get_u32(&reply.payload, 0) == EINVAL);
  }
  /* An output that is larger than a reply. */
  struct bytes payload = vector_call(SYS_readv, 0, 0, 16, 0, PV_POINTER_OUTPUT, false);
  uint32_t huge = PV_MAX_PAYLOAD;
  memcpy(payload.data + 16 + 8 + 8, &huge, 4);
  struct reply reply = peer_call(peer, PV_SYSCALL_PTR, &payload);
  CHECK(reply.type == PV_ERROR && get_u32(&reply.payload, 0) == EMSGSIZE);
}

static void check_ioctl(struct peer *peer) {
  int ends[2], ready = 0;
  make_pipe(peer, ends);
  struct bytes payload = buffer_call(SYS_write, 3, 1, 3);
  put_u64(&payload, (uint64_t)ends[1]);
  put_u64(&payload, 0);
  put_u64(&payload, 3);
  put(&payload, "abc", 3);
  struct reply reply = peer_call(peer, PV_SYSCALL, &payload);
  CHECK(result_of(&reply) == 3);
  struct bytes request = {0};
  put_u32(&request, (uint32_t)ends[0]);
  put_u32(&request, FIONREAD);
  put_u32(&request, 0);
  reply = peer_call(peer, PV_IOCTL, &request);
  CHECK(result_of(&reply) == 0 && reply.payload.length == 12);
  memcpy(&ready, reply.payload.data + 8, reply.payload.length == 12 ? 4 : 0);
  CHECK(ready == 3);
  struct bytes buffers = {0};
  put_u32(&buffers, (uint32_t)ends[0]);
  put_u32(&buffers, FIONREAD);
  put_u32(&buffers, 16);
  put_u32(&buffers, 1);
  put_u32(&buffers, 8);
  put_u32(&buffers, 4);
  put_u8(&buffers, 1);
  put_u8(&buffers, 1);
  put_u16(&buffers, 0);
  put_u64(&buffers, 0);
  put_u64(&buffers, 0);
  put(&buffers, "wxyz", 4);
  reply = peer_call(peer, PV_IOCTL_BUF, &buffers);
  CHECK(result_of(&reply) == 0 && reply.payload.length == 8 + 16 + 4);
  CHECK(reply.payload.length == 28 && get_u32(&reply.payload, 8) == 3 &&
        memcmp(reply.payload.data + 24, "wxyz", 4) == 0);
}

/* A kernel that is told of more room than there is stops at the end of the buffer, whatever its length. */
static void check_overrun(struct peer *peer) {
  static const uint32_t lengths[] = {1, 8, 100, 4096, 4097, 65536, 65537, 8 << 20};
  struct bytes path = buffer_call(SYS_openat, 3, 1, 10);
  put_u64(&path, (uint64_t)AT_FDCWD);
  put_u64(&path, 0);
  put_u64(&path, O_RDONLY);
  put(&path, "/dev/zero", 10);
  struct reply reply = peer_call(peer, PV_SYSCALL, &path);
  int64_t zero = result_of(&reply);
  CHECK(zero >= 0);
  for (size_t i = 0; i < sizeof lengths / sizeof lengths[0]; i++) {
    struct bytes payload = buffer_call(SYS_read, 3, 1, lengths[i]);
    put_u64(&payload, (uint64_t)zero);
    put_u64(&payload, 0);
    put_u64(&payload, lengths[i] + (1u << 20));
    for (uint32_t byte = 0; byte < lengths[i]; byte++) {
      put_u8(&payload, 0xA5);
    }
    reply = peer_call(peer, PV_SYSCALL, &payload);
    CHECK(reply.type == PV_SYSCALL_RESULT && reply.payload.length == 8 + lengths[i]);
    CHECK(result_of(&reply) == -EFAULT || (result_of(&reply) > 0 && result_of(&reply) <= lengths[i]));
    free(payload.data);
  }
  /* An ioctl without a size in its number must not write after a struct that is too short. */
  struct bytes terminal = buffer_call(SYS_openat, 3, 1, 10);
  put_u64(&terminal, (uint64_t)AT_FDCWD);
  put_u64(&terminal, 0);
  put_u64(&terminal, O_RDWR | O_NOCTTY);
  put(&terminal, "/dev/ptmx", 10);
  reply = peer_call(peer, PV_SYSCALL, &terminal);
  int64_t fd = result_of(&reply);
  CHECK(fd >= 0);
  struct bytes request = {0};
  put_u32(&request, (uint32_t)fd);
  put_u32(&request, TIOCGWINSZ);
  put_u32(&request, 0); /* of 8 bytes */
  reply = peer_call(peer, PV_IOCTL, &request);
  CHECK(result_of(&reply) == -EFAULT && reply.payload.length == 12);
  call_syscall(peer, 0, SYS_close, fd, 0, 0);
  call_syscall(peer, 0, SYS_close, zero, 0, 0);
}

/* The memory of a pointer inside a buffer ends at a guard page too. */
static void check_pointer_overrun(struct peer *peer) {
  int ends[2];
  make_pipe(peer, ends);
  struct bytes payload = vector_call(SYS_writev, ends[1], 0, 16, 0, PV_POINTER_INPUT, true);
  uint64_t more = 4096; /* the second part has 6 bytes */
  memcpy(payload.data + payload.length - 11 - 8, &more, sizeof more);
  struct reply reply = peer_call(peer, PV_SYSCALL_PTR, &payload);
  CHECK(reply.type == PV_SYSCALL_RESULT && (result_of(&reply) == -EFAULT || result_of(&reply) <= 11));
  call_syscall(peer, 0, SYS_close, ends[0], 0, 0);
  call_syscall(peer, 0, SYS_close, ends[1], 0, 0);
}

/* Buffers and pointers of 0 bytes have an address that the kernel cannot access. */
static void check_empty(struct peer *peer) {
  struct bytes payload = buffer_call(SYS_uname, 1, 0, 0);
  put_u64(&payload, 0);
  struct reply reply = peer_call(peer, PV_SYSCALL, &payload);
  CHECK(reply.type == PV_SYSCALL_RESULT && reply.payload.length == 8 && result_of(&reply) == -EFAULT);

  int ends[2];
  make_pipe(peer, ends);
  payload = vector_call(SYS_writev, ends[1], 0, 16, 0, PV_POINTER_INPUT, false);
  uint32_t zero = 0;
  memcpy(payload.data + 16 + 8 + 8, &zero, 4);
  memcpy(payload.data + 16 + 8 + 16 + 8, &zero, 4);
  for (size_t vector = 0; vector < 2; vector++) { /* the lengths that the kernel sees */
    memset(payload.data + payload.length - 8 - 16 * vector, 0, 8);
  }
  reply = peer_call(peer, PV_SYSCALL_PTR, &payload);
  CHECK(reply.type == PV_SYSCALL_RESULT && result_of(&reply) == 0);

  struct bytes request = {0}; /* FIONREAD into a struct of 0 bytes */
  put_u32(&request, (uint32_t)ends[0]);
  put_u32(&request, FIONREAD);
  put_u32(&request, 0);
  put_u32(&request, 0);
  reply = peer_call(peer, PV_IOCTL_BUF, &request);
  CHECK(reply.type == PV_SYSCALL_RESULT && reply.payload.length == 8 && result_of(&reply) == -EFAULT);
  call_syscall(peer, 0, SYS_close, ends[0], 0, 0);
  call_syscall(peer, 0, SYS_close, ends[1], 0, 0);
}

/* A fork by system call creates a child that ends at once, not a second agent. */
static void check_fork(struct peer *peer) {
#ifdef SYS_fork
  struct reply reply = call_syscall(peer, 0, SYS_fork, 0, 0, 0);
  int64_t pid = result_of(&reply);
  CHECK(pid > 0);
  reply = call_syscall(peer, 0, SYS_wait4, pid, 0, 0);
  CHECK(result_of(&reply) == pid);
#endif
}

void test_calls(void) {
  for (int link = 0; link < 2; link++) {
    struct agent_under_test agent = agent_start(link);
    check_raw_results(&agent.main);
    check_large_results(&agent.main);
    check_buffer(&agent.main);
    check_pointers(&agent.main);
    check_lies(&agent.main);
    check_ioctl(&agent.main);
    check_overrun(&agent.main);
    check_pointer_overrun(&agent.main);
    check_empty(&agent.main);
    check_fork(&agent.main);
    CHECK(agent_alive(&agent.main));
    CHECK(agent_stop(&agent));
  }
}
