/* What emulation costs: the same small loop for an emulated processor and for the host's own. */
#define _GNU_SOURCE
#include "clinux.h"

#include <string.h>
#include <time.h>

enum { ROUNDS = 400 * 1000, WORDS = 0x1000 };

/* Real mode, from the reset vector: PASSES times ROUNDS rounds of load, add, store, address arithmetic, call and return, with
 * a mark on the debug console (port 0xe9) before the first pass and after each. */
static const uint8_t guest[] = {
  0xfa,                               /* cli */
  0x31, 0xc0, 0x8e, 0xd8, 0x8e, 0xd0, /* ds = ss = 0 */
  0xbc, 0x00, 0x70,                   /* sp = 0x7000 */
  0x31, 0xdb,                         /* bx = 0 */
  0xb0, '.', 0xe6, 0xe9,              /* pass: a mark */
  0x66, 0xb9, 0x80, 0x1a, 0x06, 0x00, /* ecx = ROUNDS */
  0x66, 0x8b, 0x87, 0x00, 0x80,       /* round: eax = [bx + 0x8000] */
  0x66, 0x01, 0xc8,                   /* eax += ecx */
  0x66, 0x89, 0x87, 0x00, 0x80,       /* [bx + 0x8000] = eax */
  0x83, 0xc3, 0x44,                   /* bx += 68 */
  0x81, 0xe3, 0xfc, 0x3f,             /* bx &= 0x3ffc */
  0xe8, 0x06, 0x00,                   /* call leaf */
  0x66, 0x49, 0x75, 0xe5,             /* ecx -= 1; round again */
  0xeb, 0xd9,                         /* pass again */
  0x66, 0x31, 0xc2, 0xc3,             /* leaf: edx ^= eax; ret */
};

void clinux_emulation_firmware(uint8_t image[CLINUX_EMULATION_FIRMWARE_SIZE]) {
  /* Where a PC begins: 16 bytes below the end. */
  static const uint8_t reset[] = {0xea, 0x00, 0x00, 0x00, 0xf0}; /* jmp f000:0000 */
  memset(image, 0, CLINUX_EMULATION_FIRMWARE_SIZE);
  memcpy(image, guest, sizeof guest);
  memcpy(image + CLINUX_EMULATION_FIRMWARE_SIZE - 16, reset, sizeof reset);
}

/* In assembly where it can be, so that a debug build measures no slower host than a release build. */
#if defined(__x86_64__)
static void pass(uint32_t *words) {
  uint32_t left = ROUNDS, at = 0;
  __asm__ volatile(
      "1: movl (%[words], %q[at]), %%eax\n"
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

int64_t clinux_emulation_host_pass(void) {
  static _Thread_local uint32_t words[WORDS];
  struct timespec from, to;
  clock_gettime(CLOCK_MONOTONIC, &from);
  pass(words);
  clock_gettime(CLOCK_MONOTONIC, &to);
  return (to.tv_sec - from.tv_sec) * INT64_C(1000000000) + (to.tv_nsec - from.tv_nsec);
}
