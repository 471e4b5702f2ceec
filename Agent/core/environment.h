/* The environment of the agent: what it found or created at its start. All its processes share it unchanged.
 */
#ifndef PROVIUM_ENVIRONMENT_H
#define PROVIUM_ENVIRONMENT_H

#include <stdbool.h>

#include "process_table.h"

struct environment {
  struct process_table *table;
  /* Hidden descriptors; negative: missing. */
  int private; /* the agent's own directory, /.provium of the initramfs; also reachable from a disk root */
  int proc;    /* a detached mount of proc */
  int null;    /* standard input of commands */
  int random;  /* /dev/urandom */
  int vsock;   /* /dev/vsock, which knows the guest's CID */
  int control; /* socket to the control process, see handoff.h */
  int shares; /* of the main agent: socket to the share process, see handoff.h; negative until the first share
               */
  /* The agent runs on a host in a test, not in a guest: it must not change the system. */
  bool is_test;
  /* The first message of a connection over vsock must carry this secret. Without a secret the agent does not
   * listen. */
  bool has_secret;
  uint8_t secret[PV_SECRET_SIZE];
  int kmsg;                  /* in a test: a socket in place of /dev/kmsg, hidden; negative: none */
  const char *listen_prefix; /* listen on Unix sockets PREFIX.PORT instead of vsock ports */
};

/* Fills in everything except `table`, `control` and what a test sets. Removes the secret's file. */
void environment_open(struct environment *environment, int private);

/* Returns the guest's CID, 0 without vsock. Looks again for /dev/vsock, whose module may have been loaded
 * late. */
uint32_t environment_cid(struct environment *environment);

/* Writes /proc/self/oom_score_adj: "-1000" protects the process from the kernel's OOM killer, "0" does not.
 */
void environment_set_oom_score(const struct environment *environment, const char *score);

/* Returns a hidden descriptor of an unnamed file in memory, or -errno. */
int environment_memory_file(const struct environment *environment);

#endif
