/* What the agent has found or made at its start; the same for all its processes, and never changed after. */
#ifndef PROVIUM_GUEST_H
#define PROVIUM_GUEST_H

#include <stdbool.h>

#include "shared.h"

struct guest {
  struct shared *shared;
  /* Descriptors, all hidden; negative: there is none. */
  int private; /* the agent's own directory, /.provium in the initramfs; also reachable behind a disk root */
  int proc;    /* a proc of its own */
  int null;    /* what commands read */
  int random;  /* /dev/urandom */
  int vsock;   /* /dev/vsock, which knows the guest's CID */
  int control; /* socket to the control process, see internal.h */
  /* Not in a guest but in a test on a host: touch nothing that is not ours. */
  bool is_test;
  /* What a connection over vsock begins with; without one nobody is listened to there. */
  bool has_secret;
  uint8_t secret[PV_SECRET_SIZE];
  const char *listen_prefix; /* listen on Unix sockets PREFIX.PORT instead of vsock ports */
};

/* Fills in everything but `shared`, `control`, and what a test sets. A machine's secret is taken out of its
 * file. */
void guest_open(struct guest *guest, int private);

/* /dev/vsock appears with its module, which may be late: looks again where it was not there. */
uint32_t guest_cid(struct guest *guest);

/* Makes the process the last one that the kernel ends when memory runs out, or an ordinary one. */
void guest_set_oom_score(const struct guest *guest, const char *score);

/* Works with any init, and without one: what runs is not asked, what has been written is kept. */
void system_power_off(const struct guest *guest);

/* An unnamed file in memory, hidden; or -errno. */
int guest_memory_file(const struct guest *guest);

#endif
