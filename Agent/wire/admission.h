/*
 * Admission: which connections to a socket that every process can reach are served. The peer's address
 * excludes the guest's own processes; the secret excludes the host's other users.
 */
#ifndef PROVIUM_ADMISSION_H
#define PROVIUM_ADMISSION_H

#include "decode.h"
#include "environment.h"

/* A connection that has not sent its secret yet. */
struct candidate {
  int fd; /* hidden; -1: none */
  uint32_t received;
  uint8_t begin[ADMISSION_SIZE];
};

/* Accepts the next connection of a listener. Returns false if there is none, or if it is not from the host
 * (closed). */
bool candidate_accept(const struct environment *environment, int listener, int flags,
                      struct candidate *candidate);

/*
 * Reads what has arrived, without blocking and never beyond the secret. Closes the connection unless the
 * result is GRANTED or PENDING. A host with a wrong secret gets ERROR first.
 */
enum admission candidate_read(const struct environment *environment, struct candidate *candidate);

/* Waits at most `limit_ms` for the secret. Returns the descriptor, or -1. */
int candidate_await(const struct environment *environment, struct candidate *candidate, int64_t limit_ms);

#endif
