/*
 * Does /dev/kvm run guest code? Some hosts have a KVM that opens, creates machines, and then cannot execute
 * ordinary instructions. So this runs a 64-bit guest of a few instructions that any kernel uses: a breakpoint
 * through the IDT and back, x87, SSE2, a loop of a million steps; and checks what they left in memory.
 *
 * Guest memory (physical = virtual, one 2 MiB page):
 *
 *   0x1000 PML4   0x2000 PDPT   0x3000 PD   0x4000 IDT   0x4400 GDT   0x5000 handler of vector 3
 *   0x6000 results: pi f64, at 0x10 two u64, at 0x20 breakpoints taken   0x7000 code   0x9000 stack
 *
 * A process of its own makes the attempt: one that hangs in KVM_RUN is killed, and no handler or mask of ours
 * is touched.
 */
#define _GNU_SOURCE
#include "clinux.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include <linux/kvm.h>

#if defined(__x86_64__)

enum {
  MEMORY = 2 << 20,
  PML4 = 0x1000,
  PDPT = 0x2000,
  PD = 0x3000,
  IDT = 0x4000,
  GDT = 0x4400,
  HANDLER = 0x5000,
  RESULTS = 0x6000,
  CODE = 0x7000,
  STACK = 0x9000,
};

static const uint8_t handler[] = {
    0x48, 0xff, 0x04, 0x25, 0x20, 0x60, 0x00, 0x00, /* inc qword [0x6020] */
    0x48, 0xcf,                                     /* iretq */
};

static const uint8_t code[] = {
    0x0f, 0x20, 0xe0,                                     /* mov rax, cr4 */
    0x48, 0x0d, 0x00, 0x06, 0x00, 0x00,                   /* or rax, OSFXSR | OSXMMEXCPT */
    0x0f, 0x22, 0xe0,                                     /* mov cr4, rax */
    0xcc,                                                 /* int3 */
    0xdb, 0xe3,                                           /* fninit */
    0xd9, 0xeb,                                           /* fldpi */
    0xdd, 0x1c, 0x25, 0x00, 0x60, 0x00, 0x00,             /* fstp qword [0x6000] */
    0x66, 0x0f, 0x6f, 0x04, 0x25, 0x10, 0x60, 0x00, 0x00, /* movdqa xmm0, [0x6010] */
    0x66, 0x0f, 0xd4, 0xc0,                               /* paddq xmm0, xmm0 */
    0x66, 0x0f, 0x7f, 0x04, 0x25, 0x10, 0x60, 0x00, 0x00, /* movdqa [0x6010], xmm0 */
    0xb9, 0x40, 0x42, 0x0f, 0x00,                         /* mov ecx, 1000000 */
    0x83, 0xe9, 0x01,                                     /* sub ecx, 1 */
    0x75, 0xfb,                                           /* jnz the sub */
    0xf4,                                                 /* hlt */
};

static void put64(uint8_t *memory, size_t at, uint64_t value) { memcpy(memory + at, &value, sizeof value); }
static uint64_t get64(const uint8_t *memory, size_t at) {
  uint64_t value;
  memcpy(&value, memory + at, sizeof value);
  return value;
}

static void lay_out(uint8_t *memory) {
  put64(memory, PML4, PDPT | 3);
  put64(memory, PDPT, PD | 3);
  put64(memory, PD, 0x83); /* present, writable, 2 MiB */
  put64(memory, GDT + 8, 0x00af9b000000ffffull);
  put64(memory, GDT + 16, 0x00cf93000000ffffull);
  for (int vector = 0; vector < 32; vector++)
    put64(memory, IDT + 16 * (size_t)vector, (HANDLER & 0xffff) | 8ull << 16 | 0x8e00ull << 32);
  memcpy(memory + HANDLER, handler, sizeof handler);
  memcpy(memory + CODE, code, sizeof code);
  put64(memory, RESULTS + 0x10, 21);
  put64(memory, RESULTS + 0x18, 0x100000001ull);
}

static bool results_right(const uint8_t *memory) {
  return get64(memory, RESULTS) == 0x400921fb54442d18ull && get64(memory, RESULTS + 0x10) == 42 &&
         get64(memory, RESULTS + 0x18) == 0x200000002ull && get64(memory, RESULTS + 0x20) == 1;
}

static struct kvm_segment segment(uint16_t selector, uint8_t type, bool is_code) {
  struct kvm_segment segment = {0};
  segment.limit = 0xffffffff;
  segment.selector = selector;
  segment.present = 1;
  segment.type = type;
  segment.s = 1;
  segment.l = is_code;
  segment.db = !is_code;
  segment.g = 1;
  return segment;
}

static int set_registers(int cpu) {
  struct kvm_sregs special;
  if (ioctl(cpu, KVM_GET_SREGS, &special) < 0) return -1;
  special.cs = segment(8, 11, true);
  special.ds = special.es = special.fs = special.gs = special.ss = segment(16, 3, false);
  special.gdt.base = GDT;
  special.gdt.limit = 23;
  special.idt.base = IDT;
  special.idt.limit = 511;
  special.cr3 = PML4;
  special.cr4 |= 0x20;                                                /* PAE */
  special.efer |= 0x500;                                              /* LME, LMA */
  special.cr0 = (special.cr0 | 0x80000013u) & ~(uint64_t)0x60000004u; /* PG MP ET PE, not EM NW CD */
  if (ioctl(cpu, KVM_SET_SREGS, &special) < 0) return -1;
  struct kvm_regs general = {.rip = CODE, .rsp = STACK, .rflags = 2};
  return ioctl(cpu, KVM_SET_REGS, &general);
}

static struct clinux_kvm_verdict answer(enum clinux_kvm_outcome outcome, int detail) {
  struct clinux_kvm_verdict verdict = {outcome, detail};
  return verdict;
}

static struct clinux_kvm_verdict run_guest(const char *device) {
  static uint64_t cpuid_space[(sizeof(struct kvm_cpuid2) + 256 * sizeof(struct kvm_cpuid_entry2)) / 8];
  struct kvm_cpuid2 *cpuid = (struct kvm_cpuid2 *)cpuid_space;
  int kvm = open(device, O_RDWR | O_CLOEXEC);
  if (kvm < 0) return answer(CLINUX_KVM_CANNOT_OPEN, errno);
  if (ioctl(kvm, KVM_GET_API_VERSION, 0) != KVM_API_VERSION) return answer(CLINUX_KVM_NO_MACHINE, ENOTTY);
  int machine = ioctl(kvm, KVM_CREATE_VM, 0);
  if (machine < 0) return answer(CLINUX_KVM_NO_MACHINE, errno);
  uint8_t *memory = mmap(NULL, MEMORY, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (memory == MAP_FAILED) return answer(CLINUX_KVM_NO_MACHINE, errno);
  lay_out(memory);
  ioctl(machine, KVM_SET_TSS_ADDR, 0xfffbd000);
  struct kvm_userspace_memory_region region = {.memory_size = MEMORY, .userspace_addr = (uintptr_t)memory};
  if (ioctl(machine, KVM_SET_USER_MEMORY_REGION, &region) < 0) return answer(CLINUX_KVM_NO_MACHINE, errno);
  int cpu = ioctl(machine, KVM_CREATE_VCPU, 0);
  int size = ioctl(kvm, KVM_GET_VCPU_MMAP_SIZE, 0);
  if (cpu < 0 || size < 0) return answer(CLINUX_KVM_NO_MACHINE, errno);
  struct kvm_run *run = mmap(NULL, (size_t)size, PROT_READ | PROT_WRITE, MAP_SHARED, cpu, 0);
  cpuid->nent = 256;
  if (run == MAP_FAILED || ioctl(kvm, KVM_GET_SUPPORTED_CPUID, cpuid) < 0 ||
      ioctl(cpu, KVM_SET_CPUID2, cpuid) < 0 || set_registers(cpu) < 0)
    return answer(CLINUX_KVM_NO_MACHINE, errno);
  while (ioctl(cpu, KVM_RUN, 0) < 0)
    if (errno != EINTR) return answer(CLINUX_KVM_DOES_NOT_RUN, errno);
  if (run->exit_reason != KVM_EXIT_HLT) return answer(CLINUX_KVM_DOES_NOT_RUN, 0);
  return answer(results_right(memory) ? CLINUX_KVM_USABLE : CLINUX_KVM_WRONG_RESULTS, 0);
}

#else

static struct clinux_kvm_verdict run_guest(const char *device) {
  struct clinux_kvm_verdict verdict = {CLINUX_KVM_UNPROVEN, 0};
  int kvm = open(device, O_RDWR | O_CLOEXEC);
  if (kvm < 0)
    verdict = (struct clinux_kvm_verdict){CLINUX_KVM_CANNOT_OPEN, errno};
  else if (ioctl(kvm, KVM_CREATE_VM, 0) < 0)
    verdict = (struct clinux_kvm_verdict){CLINUX_KVM_NO_MACHINE, errno};
  return verdict;
}

#endif

struct clinux_kvm_verdict clinux_kvm_probe(const char *device, int limit_ms) {
  struct clinux_kvm_verdict verdict = {CLINUX_KVM_TIMED_OUT, 0};
  int ends[2];
  if (pipe2(ends, O_CLOEXEC) < 0) return (struct clinux_kvm_verdict){CLINUX_KVM_NO_MACHINE, errno};
  pid_t child = fork();
  if (child == 0) {
    prctl(PR_SET_PDEATHSIG, SIGKILL);
    struct clinux_kvm_verdict found = run_guest(device);
    _exit(write(ends[1], &found, sizeof found) == sizeof found ? 0 : 1);
  }
  close(ends[1]);
  if (child < 0) {
    close(ends[0]);
    return (struct clinux_kvm_verdict){CLINUX_KVM_NO_MACHINE, errno};
  }
  struct pollfd poll_for = {.fd = ends[0], .events = POLLIN};
  int ready;
  do
    ready = poll(&poll_for, 1, limit_ms);
  while (ready < 0 && errno == EINTR);
  if (ready > 0) {
    struct clinux_kvm_verdict found;
    if (read(ends[0], &found, sizeof found) == sizeof found)
      verdict = found;
    else
      verdict.outcome = CLINUX_KVM_DOES_NOT_RUN; /* it crashed */
  }
  kill(child, SIGKILL);
  while (waitpid(child, NULL, 0) < 0 && errno == EINTR) {
  }
  close(ends[0]);
  return verdict;
}
