/*
 * System calls without the C library. Each returns the kernel's own result: a value or -errno.
 *
 * A thread worker shares the main agent's memory, and so the C library's errno and locks, without being a
 * thread of the C library. Serving code therefore calls the kernel only through this file. It is also the
 * only file that depends on the processor: each architecture needs three functions here.
 */
#ifndef PROVIUM_SYS_H
#define PROVIUM_SYS_H

#include <fcntl.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>

#include <errno.h>
#undef errno /* serving code must not use it, see above */

/* The agent is built for little-endian 64-bit machines: the wire's integers are the machine's. */
_Static_assert(sizeof(long) == 8 && sizeof(void *) == 8, "64-bit kernels only");
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "little-endian only");

#if defined(__x86_64__)
#define SYS_MACHINE 62u /* EM_X86_64 */

static inline long sys_call6(long number, long a, long b, long c, long d, long e, long f) {
  long result;
  register long r10 __asm__("r10") = d;
  register long r8 __asm__("r8") = e;
  register long r9 __asm__("r9") = f;
  __asm__ volatile("syscall"
                   : "=a"(result)
                   : "a"(number), "D"(a), "S"(b), "d"(c), "r"(r10), "r"(r8), "r"(r9)
                   : "rcx", "r11", "memory");
  return result;
}

/*
 * clone(2) with a new stack: the child runs entry(argument), which must not return. The thread's pointer
 * (CLONE_SETTLS) is not set.
 */
static inline long sys_clone_call(unsigned long flags, void *stack_top, int *parent_tid, int *child_tid,
                                  void (*entry)(void *), void *argument) {
  void **stack = stack_top;
  *--stack = argument;
  *--stack = (void *)(uintptr_t)entry;
  long result;
  register int *tid __asm__("r10") = child_tid;
  register long tls_unused __asm__("r8") = 0;
  __asm__ volatile("syscall\n\t"
                   "testq %%rax, %%rax\n\t"
                   "jnz 1f\n\t"
                   "xorl %%ebp, %%ebp\n\t"
                   "popq %%rax\n\t"
                   "popq %%rdi\n\t"
                   "callq *%%rax\n\t"
                   "hlt\n"
                   "1:"
                   : "=a"(result)
                   : "a"((long)SYS_clone), "D"(flags), "S"(stack), "d"(parent_tid), "r"(tid), "r"(tls_unused)
                   : "rcx", "r11", "memory", "cc");
  return result;
}

static inline long sys_clone_copy(unsigned long flags, int *parent_tid) {
  return sys_call6(SYS_clone, (long)flags, 0, (long)parent_tid, 0, 0, 0);
}

#elif defined(__aarch64__)
#define SYS_MACHINE 183u /* EM_AARCH64 */

static inline long sys_call6(long number, long a, long b, long c, long d, long e, long f) {
  register long x8 __asm__("x8") = number;
  register long x0 __asm__("x0") = a;
  register long x1 __asm__("x1") = b;
  register long x2 __asm__("x2") = c;
  register long x3 __asm__("x3") = d;
  register long x4 __asm__("x4") = e;
  register long x5 __asm__("x5") = f;
  __asm__ volatile("svc 0" : "+r"(x0) : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4), "r"(x5) : "memory");
  return x0;
}

static inline long sys_clone_call(unsigned long flags, void *stack_top, int *parent_tid, int *child_tid,
                                  void (*entry)(void *), void *argument) {
  void **stack = stack_top;
  *--stack = argument;
  *--stack = (void *)(uintptr_t)entry;
  register long x8 __asm__("x8") = SYS_clone;
  register long x0 __asm__("x0") = (long)flags;
  register void *x1 __asm__("x1") = stack;
  register void *x2 __asm__("x2") = parent_tid;
  register long x3 __asm__("x3") = 0;
  register int *x4 __asm__("x4") = child_tid;
  __asm__ volatile("svc 0\n\t"
                   "cbnz x0, 1f\n\t"
                   "mov x29, xzr\n\t"
                   "ldp x1, x0, [sp], #16\n\t"
                   "blr x1\n\t"
                   "brk 1\n"
                   "1:"
                   : "+r"(x0)
                   : "r"(x8), "r"(x1), "r"(x2), "r"(x3), "r"(x4)
                   : "memory", "cc");
  return x0;
}

static inline long sys_clone_copy(unsigned long flags, int *parent_tid) {
  return sys_call6(SYS_clone, (long)flags, 0, (long)parent_tid, 0, 0, 0);
}

#elif defined(__riscv) && __riscv_xlen == 64
#define SYS_MACHINE 243u /* EM_RISCV */

static inline long sys_call6(long number, long a, long b, long c, long d, long e, long f) {
  register long a7 __asm__("a7") = number;
  register long a0 __asm__("a0") = a;
  register long a1 __asm__("a1") = b;
  register long a2 __asm__("a2") = c;
  register long a3 __asm__("a3") = d;
  register long a4 __asm__("a4") = e;
  register long a5 __asm__("a5") = f;
  __asm__ volatile("ecall" : "+r"(a0) : "r"(a7), "r"(a1), "r"(a2), "r"(a3), "r"(a4), "r"(a5) : "memory");
  return a0;
}

static inline long sys_clone_call(unsigned long flags, void *stack_top, int *parent_tid, int *child_tid,
                                  void (*entry)(void *), void *argument) {
  void **stack = stack_top;
  *--stack = argument;
  *--stack = (void *)(uintptr_t)entry;
  register long a7 __asm__("a7") = SYS_clone;
  register long a0 __asm__("a0") = (long)flags;
  register void *a1 __asm__("a1") = stack;
  register void *a2 __asm__("a2") = parent_tid;
  register long a3 __asm__("a3") = 0;
  register int *a4 __asm__("a4") = child_tid;
  __asm__ volatile("ecall\n\t"
                   "bnez a0, 1f\n\t"
                   "ld a1, 0(sp)\n\t"
                   "ld a0, 8(sp)\n\t"
                   "addi sp, sp, 16\n\t"
                   "jalr a1\n\t"
                   "ebreak\n"
                   "1:"
                   : "+r"(a0)
                   : "r"(a7), "r"(a1), "r"(a2), "r"(a3), "r"(a4)
                   : "memory");
  return a0;
}

static inline long sys_clone_copy(unsigned long flags, int *parent_tid) {
  return sys_call6(SYS_clone, (long)flags, 0, (long)parent_tid, 0, 0, 0);
}

#else
#error "no system call shims for this architecture yet: add them here"
#endif

#define SYS_ARGUMENT(x) ((long)(x))
#define sys_call0(n) sys_call6(n, 0, 0, 0, 0, 0, 0)
#define sys_call1(n, a) sys_call6(n, SYS_ARGUMENT(a), 0, 0, 0, 0, 0)
#define sys_call2(n, a, b) sys_call6(n, SYS_ARGUMENT(a), SYS_ARGUMENT(b), 0, 0, 0, 0)
#define sys_call3(n, a, b, c) sys_call6(n, SYS_ARGUMENT(a), SYS_ARGUMENT(b), SYS_ARGUMENT(c), 0, 0, 0)
#define sys_call4(n, a, b, c, d) \
  sys_call6(n, SYS_ARGUMENT(a), SYS_ARGUMENT(b), SYS_ARGUMENT(c), SYS_ARGUMENT(d), 0, 0)
#define sys_call5(n, a, b, c, d, e) \
  sys_call6(n, SYS_ARGUMENT(a), SYS_ARGUMENT(b), SYS_ARGUMENT(c), SYS_ARGUMENT(d), SYS_ARGUMENT(e), 0)

/* Signal sets as the kernel has them: 64 bits. */
typedef uint64_t sys_sigset;
#define SYS_SIGNAL_BIT(signal) (1ull << ((signal)-1))

static inline long sys_read(int fd, void *data, size_t size) { return sys_call3(SYS_read, fd, data, size); }
static inline long sys_readv(int fd, const struct iovec *parts, int count) {
  return sys_call3(SYS_readv, fd, parts, count);
}
static inline long sys_writev(int fd, const struct iovec *parts, int count) {
  return sys_call3(SYS_writev, fd, parts, count);
}
static inline long sys_write(int fd, const void *data, size_t size) {
  return sys_call3(SYS_write, fd, data, size);
}
static inline long sys_pread(int fd, void *data, size_t size, uint64_t offset) {
  return sys_call4(SYS_pread64, fd, data, size, offset);
}
static inline long sys_pwrite(int fd, const void *data, size_t size, uint64_t offset) {
  return sys_call4(SYS_pwrite64, fd, data, size, offset);
}
static inline long sys_lseek(int fd, int64_t offset, int whence) {
  return sys_call3(SYS_lseek, fd, offset, whence);
}
static inline long sys_close(int fd) { return sys_call1(SYS_close, fd); }
static inline long sys_openat(int directory, const char *path, int flags, unsigned mode) {
  return sys_call4(SYS_openat, directory, path, flags, mode);
}
static inline long sys_open(const char *path, int flags, unsigned mode) {
  return sys_openat(AT_FDCWD, path, flags, mode);
}
static inline long sys_fcntl(int fd, int command, long argument) {
  return sys_call3(SYS_fcntl, fd, command, argument);
}
static inline long sys_ioctl(int fd, unsigned long command, void *argument) {
  return sys_call3(SYS_ioctl, fd, command, argument);
}
static inline long sys_pipe(int ends[2], int flags) { return sys_call2(SYS_pipe2, ends, flags); }
static inline long sys_dup3(int from, int to, int flags) { return sys_call3(SYS_dup3, from, to, flags); }
static inline long sys_memfd_create(const char *name, unsigned flags) {
  return sys_call2(SYS_memfd_create, name, flags);
}
static inline long sys_socketpair(int type, int ends[2]) {
  return sys_call4(SYS_socketpair, AF_UNIX, type, 0, ends);
}
static inline long sys_sendmsg(int fd, const struct msghdr *message, int flags) {
  return sys_call3(SYS_sendmsg, fd, message, flags);
}
static inline long sys_recvmsg(int fd, struct msghdr *message, int flags) {
  return sys_call3(SYS_recvmsg, fd, message, flags);
}

/*
 * AddressSanitizer checks the thread's stack before a call of a function that does not return. The stacks of
 * a command's child and of a thread worker are unknown to it, so nothing is declared so under the sanitizer.
 * It does not see the agent's own mappings either: memory at the place of an old stack must be marked as
 * usable.
 */
#if defined(__SANITIZE_ADDRESS__)
#include <sanitizer/asan_interface.h>
#define NO_RETURN
#define SYS_FRESH_MEMORY(memory, size) __asan_unpoison_memory_region(memory, size)
#else
#define NO_RETURN _Noreturn
#define SYS_FRESH_MEMORY(memory, size) ((void)(memory))
#endif

static inline void *sys_map(size_t size, int flags) {
  void *memory =
      (void *)sys_call6(SYS_mmap, 0, (long)size, PROT_READ | PROT_WRITE, MAP_ANONYMOUS | flags, -1, 0);
  if ((uintptr_t)memory <= (uintptr_t)-4096l) {
    SYS_FRESH_MEMORY(memory, size);
  }
  return memory;
}
static inline void *sys_remap(void *memory, size_t from, size_t to) {
  return (void *)sys_call4(SYS_mremap, memory, from, to, MREMAP_MAYMOVE);
}
static inline long sys_unmap(void *memory, size_t size) { return sys_call2(SYS_munmap, memory, size); }
/* Returns the errno in a pointer that sys_map or sys_remap returned, 0 for memory. */
static inline int sys_pointer_errno(const void *memory) {
  return (uintptr_t)memory > (uintptr_t)-4096l ? (int)-(intptr_t)memory : 0;
}

static inline long sys_getpid(void) { return sys_call0(SYS_getpid); }
static inline long sys_kill(int pid, int signal) { return sys_call2(SYS_kill, pid, signal); }
static inline long sys_gettid(void) { return sys_call0(SYS_gettid); }
/* Signals one thread of a process. */
static inline long sys_tgkill(int pid, int tid, int signal) {
  return sys_call3(SYS_tgkill, pid, tid, signal);
}
static inline long sys_wait(int pid, int *status, int flags) {
  return sys_call4(SYS_wait4, pid, status, flags, 0);
}
static inline NO_RETURN void sys_exit(int status) {
  for (;;) {
    sys_call1(SYS_exit_group, status);
  }
}
/* Ends only the calling thread. */
static inline NO_RETURN void sys_exit_thread(int status) {
  for (;;) {
    sys_call1(SYS_exit, status);
  }
}
#ifndef SYS_pidfd_open
#define SYS_pidfd_open 434
#endif
/* Always close-on-exec. Returns -ENOSYS before Linux 5.3. */
static inline long sys_pidfd_open(int pid) { return sys_call2(SYS_pidfd_open, pid, 0); }

/* Waits at most timeout_ms; without limit when it is negative. */
static inline long sys_poll(struct pollfd *polls, size_t count, int64_t timeout_ms) {
  struct timespec limit = {timeout_ms / 1000, timeout_ms % 1000 * 1000000};
  return sys_call5(SYS_ppoll, polls, count, timeout_ms < 0 ? NULL : &limit, 0, sizeof(sys_sigset));
}

static inline void sys_sleep_ms(unsigned ms) {
  struct timespec limit = {ms / 1000, (long)(ms % 1000) * 1000000};
  sys_call2(SYS_nanosleep, &limit, 0);
}

/* CLOCK_MONOTONIC in milliseconds. */
static inline int64_t sys_now_ms(void) {
  struct timespec now = {0, 0};
  sys_call2(SYS_clock_gettime, CLOCK_MONOTONIC, &now);
  return (int64_t)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

#endif
