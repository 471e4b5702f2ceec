/* SHA-256 as in FIPS 180-4. */
#define _GNU_SOURCE
#include "clinux.h"

#include <errno.h>
#include <string.h>
#include <unistd.h>

struct sha256 {
  uint32_t state[8];
  uint64_t length;
  uint8_t block[64];
  size_t filled;
};

/* The first 32 bits of the fractional parts of the cube roots of the first 64 primes (section 4.2.2). */
static const uint32_t constants[64] = {
    0x428a2f98, 0x71374491, 0xb5c0fbcf, 0xe9b5dba5, 0x3956c25b, 0x59f111f1, 0x923f82a4, 0xab1c5ed5,
    0xd807aa98, 0x12835b01, 0x243185be, 0x550c7dc3, 0x72be5d74, 0x80deb1fe, 0x9bdc06a7, 0xc19bf174,
    0xe49b69c1, 0xefbe4786, 0x0fc19dc6, 0x240ca1cc, 0x2de92c6f, 0x4a7484aa, 0x5cb0a9dc, 0x76f988da,
    0x983e5152, 0xa831c66d, 0xb00327c8, 0xbf597fc7, 0xc6e00bf3, 0xd5a79147, 0x06ca6351, 0x14292967,
    0x27b70a85, 0x2e1b2138, 0x4d2c6dfc, 0x53380d13, 0x650a7354, 0x766a0abb, 0x81c2c92e, 0x92722c85,
    0xa2bfe8a1, 0xa81a664b, 0xc24b8b70, 0xc76c51a3, 0xd192e819, 0xd6990624, 0xf40e3585, 0x106aa070,
    0x19a4c116, 0x1e376c08, 0x2748774c, 0x34b0bcb5, 0x391c0cb3, 0x4ed8aa4a, 0x5b9cca4f, 0x682e6ff3,
    0x748f82ee, 0x78a5636f, 0x84c87814, 0x8cc70208, 0x90befffa, 0xa4506ceb, 0xbef9a3f7, 0xc67178f2,
};

static uint32_t rotate(uint32_t word, int bits) { return word >> bits | word << (32 - bits); }

static void compress(struct sha256 *hash, const uint8_t *block) {
  uint32_t schedule[64], v[8];
  for (int i = 0; i < 16; i++)
    schedule[i] = (uint32_t)block[4 * i] << 24 | (uint32_t)block[4 * i + 1] << 16 |
                  (uint32_t)block[4 * i + 2] << 8 | block[4 * i + 3];
  for (int i = 16; i < 64; i++) {
    uint32_t near = schedule[i - 15], far = schedule[i - 2];
    schedule[i] = schedule[i - 16] + (rotate(near, 7) ^ rotate(near, 18) ^ near >> 3) + schedule[i - 7] +
                  (rotate(far, 17) ^ rotate(far, 19) ^ far >> 10);
  }
  memcpy(v, hash->state, sizeof v);
  for (int i = 0; i < 64; i++) {
    uint32_t first = v[7] + (rotate(v[4], 6) ^ rotate(v[4], 11) ^ rotate(v[4], 25)) +
                     ((v[4] & v[5]) ^ (~v[4] & v[6])) + constants[i] + schedule[i];
    uint32_t second = (rotate(v[0], 2) ^ rotate(v[0], 13) ^ rotate(v[0], 22)) +
                      ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));
    memmove(v + 1, v, 7 * sizeof *v);
    v[4] += first;
    v[0] = first + second;
  }
  for (int i = 0; i < 8; i++)
    hash->state[i] += v[i];
}

static void begin(struct sha256 *hash) {
  static const uint32_t initial[8] = {0x6a09e667, 0xbb67ae85, 0x3c6ef372, 0xa54ff53a,
                                      0x510e527f, 0x9b05688c, 0x1f83d9ab, 0x5be0cd19};
  memcpy(hash->state, initial, sizeof initial);
  hash->length = 0;
  hash->filled = 0;
}

static void add(struct sha256 *hash, const uint8_t *bytes, size_t length) {
  hash->length += length;
  while (length > 0) {
    if (hash->filled == 0 && length >= 64) {
      compress(hash, bytes);
      bytes += 64;
      length -= 64;
      continue;
    }
    size_t count = 64 - hash->filled < length ? 64 - hash->filled : length;
    memcpy(hash->block + hash->filled, bytes, count);
    hash->filled += count;
    bytes += count;
    length -= count;
    if (hash->filled == 64) {
      compress(hash, hash->block);
      hash->filled = 0;
    }
  }
}

static void end(struct sha256 *hash, uint8_t digest[32]) {
  uint64_t bits = hash->length * 8;
  uint8_t tail[72] = {0x80};
  size_t padding = (hash->filled < 56 ? 56 : 120) - hash->filled;
  for (int i = 0; i < 8; i++)
    tail[padding + (size_t)i] = (uint8_t)(bits >> (56 - 8 * i));
  add(hash, tail, padding + 8);
  for (int i = 0; i < 32; i++)
    digest[i] = (uint8_t)(hash->state[i / 4] >> (24 - 8 * (i % 4)));
}

void clinux_sha256(const void *bytes, size_t length, uint8_t digest[32]) {
  struct sha256 hash;
  begin(&hash);
  add(&hash, bytes, length);
  end(&hash, digest);
}

int clinux_sha256_file(int fd, uint8_t digest[32]) {
  static _Thread_local uint8_t chunk[1 << 16];
  struct sha256 hash;
  begin(&hash);
  for (;;) {
    ssize_t count = read(fd, chunk, sizeof chunk);
    if (count < 0 && errno == EINTR) continue;
    if (count < 0) return -errno;
    if (count == 0) break;
    add(&hash, chunk, (size_t)count);
  }
  end(&hash, digest);
  return 0;
}

ssize_t clinux_find(const void *bytes, size_t length, const void *needle, size_t needle_length) {
  if (length == 0 || needle_length == 0) return needle_length == 0 ? 0 : -1;
  const uint8_t *found = memmem(bytes, length, needle, needle_length);
  return found == NULL ? -1 : found - (const uint8_t *)bytes;
}
