#define _GNU_SOURCE
#include "clinux.h"

#include <errno.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A digest of a sparse file's contents, whatever its holes are: pages of zeros are skipped, all others are
 * mixed in with their offsets. Detects damage, with a probability of about 1 - 2^-64; not cryptographic.
 * Faster than SHA-256, since a fixture's memory has hundreds of megabytes. */

enum { CONTENT_PAGE = 4096, CONTENT_CHUNK = 32 * CONTENT_PAGE, CONTENT_LANES = 4 };

/* 2^64 divided by the golden ratio (Knuth, The Art of Computer Programming, volume 3, section 6.4): odd, so
 * that multiplication loses nothing. */
#define CONTENT_MULTIPLIER 0x9e3779b97f4a7c15u

static uint64_t content_mix(uint64_t lane, uint64_t word) {
  lane = (lane ^ word) * CONTENT_MULTIPLIER;
  return lane ^ lane >> 32;
}

static bool content_is_zero(const char *page) {
  return page[0] == 0 && memcmp(page, page + 1, CONTENT_PAGE - 1) == 0;
}

static void content_add_page(uint64_t lanes[CONTENT_LANES], const char *page, uint64_t offset) {
  if (content_is_zero(page)) return;
  for (size_t lane = 0; lane < CONTENT_LANES; lane++)
    lanes[lane] = content_mix(lanes[lane], offset + lane);
  for (size_t at = 0; at < CONTENT_PAGE; at += CONTENT_LANES * sizeof(uint64_t)) {
    uint64_t words[CONTENT_LANES];
    memcpy(words, page + at, sizeof words);
    for (size_t lane = 0; lane < CONTENT_LANES; lane++)
      lanes[lane] = content_mix(lanes[lane], words[lane]);
  }
}

/* Fills a chunk, with zeros after the file's end. The number of bytes read, or -errno. */
static ssize_t content_read(int fd, char *chunk, off_t at) {
  size_t filled = 0;
  while (filled < CONTENT_CHUNK) {
    ssize_t got = pread(fd, chunk + filled, CONTENT_CHUNK - filled, at + (off_t)filled);
    if (got < 0 && errno == EINTR) continue;
    if (got < 0) return -errno;
    if (got == 0) break;
    filled += (size_t)got;
  }
  memset(chunk + filled, 0, CONTENT_CHUNK - filled);
  return (ssize_t)filled;
}

static int content_add_file(uint64_t lanes[CONTENT_LANES], int fd, char *chunk) {
  for (off_t at = 0;;) {
    off_t data = lseek(fd, at, SEEK_DATA);
    if (data < 0 && errno == ENXIO) return 0;
    /* EINVAL: the file system does not know holes. */
    if (data < 0 && errno != EINVAL) return -errno;
    if (data > at) at = data - data % CONTENT_PAGE;
    ssize_t got = content_read(fd, chunk, at);
    if (got <= 0) return (int)got;
    for (size_t page = 0; page < (size_t)got; page += CONTENT_PAGE)
      content_add_page(lanes, chunk + page, (uint64_t)at + page);
    at += CONTENT_CHUNK;
  }
}

int clinux_content_digest(int fd, uint64_t digest[CONTENT_LANES]) {
  uint64_t lanes[CONTENT_LANES] = {1, 2, 3, 4};
  /* Not thread-local: that would take room from every thread's stack. */
  char *chunk = malloc(CONTENT_CHUNK);
  if (chunk == NULL) return -ENOMEM;
  int failed = content_add_file(lanes, fd, chunk);
  free(chunk);
  if (failed == 0) memcpy(digest, lanes, sizeof lanes);
  return failed;
}
