/* What emulation costs: the same small loop for an emulated processor and for the host's own. */
#define _GNU_SOURCE
#include "clinux.h"

#include <errno.h>
#include <string.h>
#include <time.h>

enum { ROUNDS = 400 * 1000, WORDS = 0x1000 };

/* Each for ever: a mark on the serial port, then ROUNDS rounds of load, add, store, address arithmetic, call
 * and return. */

/* Real mode, from the reset vector. */
static const uint8_t guest_x86_64[] = {
    0xfa,                               /* cli */
    0x31, 0xc0, 0x8e, 0xd8, 0x8e, 0xd0, /* ds = ss = 0 */
    0xbc, 0x00, 0x70,                   /* sp = 0x7000 */
    0x31, 0xdb,                         /* bx = 0 */
    0xba, 0xf8, 0x03, 0xb0, '.',  0xee, /* pass: a mark, to port 0x3f8 */
    0x66, 0xb9, 0x80, 0x1a, 0x06, 0x00, /* ecx = ROUNDS */
    0x66, 0x8b, 0x87, 0x00, 0x80,       /* round: eax = [bx + 0x8000] */
    0x66, 0x01, 0xc8,                   /* eax += ecx */
    0x66, 0x89, 0x87, 0x00, 0x80,       /* [bx + 0x8000] = eax */
    0x83, 0xc3, 0x44,                   /* bx += 68 */
    0x81, 0xe3, 0xfc, 0x3f,             /* bx &= 0x3ffc */
    0xe8, 0x06, 0x00,                   /* call leaf */
    0x66, 0x49, 0x75, 0xe5,             /* ecx -= 1; round again */
    0xeb, 0xd7,                         /* pass again */
    0x66, 0x31, 0xc2, 0xc3,             /* leaf: edx ^= eax; ret */
};

/* From address 0, where QEMU's virt begins; its PL011 is at 0x09000000, its memory at 0x40000000. */
static const uint32_t guest_aarch64[] = {
    0xd2a12000,             /* mov x0, #0x09000000 */
    0xd2a80001,             /* mov x1, #0x40000000 */
    0x2a1f03e3,             /* mov w3, wzr */
    0x528005c5,             /* mov w5, '.' */
    0x2a1f03e6,             /* mov w6, wzr */
    0xb9000005,             /* pass: str w5, [x0] */
    0x52835002,             /* mov w2, ROUNDS */
    0x72a000c2, 0xb8636824, /* round: ldr w4, [x1, x3] */
    0x0b020084,             /* add w4, w4, w2 */
    0xb8236824,             /* str w4, [x1, x3] */
    0x11011063,             /* add w3, w3, 68 */
    0x121e2c63,             /* and w3, w3, 0x3ffc */
    0x94000004,             /* bl leaf */
    0x71000442,             /* subs w2, w2, 1 */
    0x54ffff21,             /* b.ne round */
    0x17fffff5,             /* b pass */
    0x4a0400c6,             /* leaf: eor w6, w6, w4 */
    0xd65f03c0,             /* ret */
};

bool clinux_emulation_firmware(const char *architecture, uint8_t image[CLINUX_EMULATION_FIRMWARE_SIZE]) {
  /* Where a PC begins: 16 bytes below the end. */
  static const uint8_t reset[] = {0xea, 0x00, 0x00, 0x00, 0xf0}; /* jmp f000:0000 */
  memset(image, 0, CLINUX_EMULATION_FIRMWARE_SIZE);
  if (strcmp(architecture, "x86_64") == 0) {
    memcpy(image, guest_x86_64, sizeof guest_x86_64);
    memcpy(image + CLINUX_EMULATION_FIRMWARE_SIZE - 16, reset, sizeof reset);
    return true;
  }
  if (strcmp(architecture, "aarch64") == 0) {
    memcpy(image, guest_aarch64, sizeof guest_aarch64);
    return true;
  }
  return false;
}

/* In assembly where it can be, so that a debug build measures no slower host than a release build. */
#if defined(__x86_64__)
static void pass(uint32_t *words) {
  uint32_t left = ROUNDS, at = 0;
  __asm__ volatile("1: movl (%[words], %q[at]), %%eax\n"
                   "addl %[left], %%eax\n"
                   "movl %%eax, (%[words], %q[at])\n"
                   "addl $68, %[at]\n"
                   "andl $0x3ffc, %[at]\n"
                   "leaq -128(%%rsp), %%rsp\n" /* past the red zone */
                   "call 2f\n"
                   "leaq 128(%%rsp), %%rsp\n"
                   "decl %[left]\n"
                   "jnz 1b\n"
                   "jmp 3f\n"
                   "2: xorl %%eax, %%edx\n"
                   "ret\n"
                   "3:\n"
                   : [left] "+r"(left), [at] "+r"(at)
                   : [words] "r"(words)
                   : "eax", "edx", "cc", "memory");
}
#else
static volatile uint32_t sum;

__attribute__((noinline)) static void leaf(uint32_t value) { sum ^= value; }

static void pass(volatile uint32_t *words) {
  uint32_t at = 0;
  for (uint32_t left = ROUNDS; left > 0; left--) {
    uint32_t value = words[at / 4] + left;
    words[at / 4] = value;
    at = (at + 68) & 0x3ffc;
    leaf(value);
  }
}
#endif

static int64_t between(const struct timespec *from, const struct timespec *to) {
  return (to->tv_sec - from->tv_sec) * INT64_C(1000000000) + (to->tv_nsec - from->tv_nsec);
}

int64_t clinux_emulation_host_pass(void) {
  static _Thread_local uint32_t words[WORDS];
  struct timespec from, to;
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &from);
  pass(words);
  clock_gettime(CLOCK_THREAD_CPUTIME_ID, &to);
  return between(&from, &to);
}

int64_t clinux_process_time(pid_t pid) {
  static const struct timespec zero;
  struct timespec used;
  clockid_t clock;
  int error = clock_getcpuclockid(pid, &clock);
  if (error != 0) return -error;
  return clock_gettime(clock, &used) == 0 ? between(&zero, &used) : -errno;
}
