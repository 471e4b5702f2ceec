/*
 * memcpy and memmove by plain words. musl's own are `rep movsq`, which an emulator executes a step at a time:
 * copying 16 MiB took 80 ms of the 190 ms that writing a file of that size needed; word by word it is 10 ms.
 * On a real processor the difference is small.
 *
 * Both are here, since musl's memmove uses its memcpy: with one of them alone the linker would find two.
 */
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#ifdef PROVIUM_OWN_COPY

/* Else the compiler sees what the loops do, and makes them calls of what they are. */
#if defined(__GNUC__) && !defined(__clang__)
#pragma GCC optimize("O2", "no-tree-loop-distribute-patterns")
#endif

enum { WORD = sizeof(uint64_t), TURN = 8 * WORD };

static inline uint64_t load(const unsigned char *from) {
  uint64_t word;
  __builtin_memcpy(&word, from, WORD);
  return word;
}

static inline void store(unsigned char *to, uint64_t word) { __builtin_memcpy(to, &word, WORD); }

/* All of a turn is loaded before any of it is stored: overlapping turns do not disturb each other. */
static inline void copy_turn(unsigned char *to, const unsigned char *from) {
  uint64_t a = load(from), b = load(from + 8), c = load(from + 16), d = load(from + 24);
  uint64_t e = load(from + 32), f = load(from + 40), g = load(from + 48), h = load(from + 56);
  store(to, a), store(to + 8, b), store(to + 16, c), store(to + 24, d);
  store(to + 32, e), store(to + 40, f), store(to + 48, g), store(to + 56, h);
}

static void *copy_up(unsigned char *to, const unsigned char *from, size_t length) {
  unsigned char *start = to;
  for (; length >= TURN; length -= TURN, to += TURN, from += TURN) {
    copy_turn(to, from);
  }
  for (; length >= WORD; length -= WORD, to += WORD, from += WORD) {
    store(to, load(from));
  }
  for (; length != 0; length--) {
    *to++ = *from++;
  }
  return start;
}

static void *copy_down(unsigned char *to, const unsigned char *from, size_t length) {
  while (length >= TURN) {
    length -= TURN;
    copy_turn(to + length, from + length);
  }
  while (length >= WORD) {
    length -= WORD;
    store(to + length, load(from + length));
  }
  while (length != 0) {
    length--;
    to[length] = from[length];
  }
  return to;
}

void *memcpy(void *restrict to, const void *restrict from, size_t length) {
  return copy_up(to, from, length);
}

void *memmove(void *to, const void *from, size_t length) {
  /* Upwards each load is ahead of every store that could reach it, when the target lies below the source. */
  return (uintptr_t)to - (uintptr_t)from >= length ? copy_up(to, from, length) : copy_down(to, from, length);
}

#else
typedef int copy_is_the_library_s; /* a source file must not be empty */
#endif
