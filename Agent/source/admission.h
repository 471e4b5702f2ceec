/*
 * Who may talk to the agent over a socket that anybody can connect to: the host alone, and of its processes
 * the one that booted the machine. The address shuts out the guest's own processes, the secret the host's
 * other users.
 */
#ifndef PROVIUM_ADMISSION_H
#define PROVIUM_ADMISSION_H

#include "decode.h"
#include "guest.h"

/* A connection that has not shown yet whose it is. */
struct candidate {
  int fd; /* hidden; -1: none */
  uint32_t received;
  uint8_t begin[ADMISSION_SIZE];
};

/* Takes the next connection of a listener. False: there was none, or it was not the host's and is closed. */
bool candidate_accept(const struct guest *guest, int listener, int flags, struct candidate *candidate);

/*
 * Reads what has come, without blocking and not beyond the secret. Unless it is granted or pending the
 * connection has been closed, after an ERROR for a host that has another machine's secret.
 */
enum admission candidate_read(const struct guest *guest, struct candidate *candidate);

/* The same, for at most `limit_ms`: the descriptor, or -1. */
int candidate_await(const struct guest *guest, struct candidate *candidate, int64_t limit_ms);

#endif
