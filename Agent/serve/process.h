/* A child process: observed and ended. */
#ifndef PROVIUM_PROCESS_H
#define PROVIUM_PROCESS_H

#include <stdbool.h>
#include <stdint.h>

struct process {
  int pid;   /* also the number of its process group and session */
  int watch; /* pidfd, close-on-exec; negative on kernels before 5.3 */
  bool exited;
  bool status_unknown; /* it has exited, and another wait has taken the status */
  int status;          /* as from wait4(2), once exited and not unknown */
};

/* Reaps the process if it has exited. Does not block. Returns whether it has exited. */
bool process_poll(struct process *process);
/* Kills the whole process group. */
void process_kill(const struct process *process);
/* Shortens a time limit for poll(2) where there is no pidfd to poll. Negative: no limit. */
int64_t process_poll_limit(const struct process *process, int64_t timeout_ms);
/* Closes the pidfd. Idempotent. */
void process_close(struct process *process);

/* Returns the exit code in a wait status, 128+n for a process that signal n has killed. */
int32_t process_exit_code(int status);
/* Returns the signal that killed the process, 0 if it exited. */
int32_t process_signal(int status);

#endif
