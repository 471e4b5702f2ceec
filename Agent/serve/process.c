#include "process.h"

#include <sys/wait.h>

#include "sys.h"

enum { POLL_INTERVAL_MS = 2 };

bool process_poll(struct process *process) {
  if (!process->exited) {
    long result = sys_wait(process->pid, &process->status, WNOHANG);
    /* A script ignores SIGCHLD, or its own wait(2) has taken the status: the process is gone all the same. */
    process->status_unknown = result == -ECHILD;
    process->exited = result == process->pid || process->status_unknown;
  }
  return process->exited;
}

void process_kill(const struct process *process) {
  sys_kill(-process->pid, SIGKILL);
  if (!process->exited) {
    sys_kill(process->pid, SIGKILL); /* in case it has left its group */
  }
}

int64_t process_poll_limit(const struct process *process, int64_t timeout_ms) {
  bool must_poll = process->watch < 0 && !process->exited;
  bool is_long = timeout_ms < 0 || timeout_ms > POLL_INTERVAL_MS;
  return must_poll && is_long ? POLL_INTERVAL_MS : timeout_ms;
}

void process_close(struct process *process) {
  if (process->watch >= 0) {
    sys_close(process->watch);
  }
  process->watch = -1;
}

int32_t process_exit_code(int status) {
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}

int32_t process_signal(int status) { return WIFSIGNALED(status) ? WTERMSIG(status) : 0; }
