/* A shell command as a process: started, watched, ended. */
#ifndef PROVIUM_COMMAND_H
#define PROVIUM_COMMAND_H

#include "agent.h"

struct command {
  const char *line; /* for sh -c */
  const char *cwd;  /* NULL: the agent's */
  char **environment;
  int input, output, error; /* its standard descriptors */
  struct job_entry *job; /* of a background command, which becomes control's child; NULL: the caller's own */
};

struct process {
  int pid;   /* also its process group and session */
  int watch; /* pidfd, close-on-exec; negative on kernels before 5.3 */
  bool exited;
  bool status_unknown; /* it has exited, and somebody else has been told how */
  int status;          /* as from wait4(2), once exited and not unknown */
};

/* 0, or the errno (positive) of the step that failed and what it was in *failure. */
int command_start(struct agent *agent, const struct command *command, struct process *process,
                  struct text *failure);

/* A descriptor that ends at once when it is read: /dev/null, or where there is none, a pipe without a writer.
 */
int command_null_input(const struct guest *guest);

/*
 * The environment of a command: the agent's own and then the given variables, which win; a NULL-terminated
 * list in the arena behind *used. NULL without memory.
 */
char **command_environment(struct agent *agent, const struct exec_request *request, size_t *used);

/* Looks whether it has exited, without waiting; reaps it. */
bool process_poll(struct process *process);
/* Ends the whole process group. */
void process_kill(const struct process *process);
/* How long one may wait in poll(2) where there is no descriptor to watch. */
int64_t process_poll_limit(const struct process *process, int64_t timeout_ms);
void process_close(struct process *process);

/* Of a wait status: exit code, or 128+n; and n. */
int32_t status_exit_code(int status);
int32_t status_signal(int status);

#endif
