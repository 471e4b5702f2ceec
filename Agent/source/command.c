#include "command.h"

#include <sys/wait.h>

#include "sys.h"

enum { LOOK_INTERVAL_MS = 2, SHELL_PARTS = 4 };

/* Shared with the child, which runs in this memory until it executes the shell. */
struct start {
  const struct command *command;
  const struct guest *guest;
  int error;
  const char *step;
};

static void start_fail(struct start *start, long result, const char *step) {
  start->error = (int)-result;
  start->step = step;
  sys_exit(127);
}

/* Standard descriptors may be among those that are handed over (a script can close its own): out of the way
 * first. */
static int fd_lifted(int fd) { return fd > 2 ? fd : (int)sys_fcntl(fd, F_DUPFD_CLOEXEC, 10); }

/* Its starter may live in a pid namespace of its own, where numbers mean nothing to control, which looks from
 * outside. */
static void note_outer_pid(const struct start *start) {
  char link[16];
  int pid = 0;
  long length = sys_call4(SYS_readlinkat, start->guest->proc, "self", link, sizeof link);
  for (long i = 0; i < length; i++) {
    pid = pid * 10 + (link[i] - '0');
  }
  if (pid > 0) {
    start->command->job->pid = pid;
  }
}

/*
 * The child: on its own stack, in the agent's memory, while its parent waits. It may change nothing but
 * `start` and what the kernel keeps per process. A failure needs no pipe: it is simply written down.
 */
static void command_child(void *argument) {
  struct start *start = argument;
  const struct command *command = start->command;
  sys_sigset none = 0;
  sys_call4(SYS_rt_sigprocmask, SIG_SETMASK, &none, 0, sizeof none);
  sys_call0(SYS_setsid);
  if (command->job != NULL) {
    note_outer_pid(start);
  }
  guest_set_oom_score(start->guest, "0");
  int descriptors[3] = {fd_lifted(command->input), fd_lifted(command->output), fd_lifted(command->error)};
  for (int i = 0; i < 3; i++) {
    long result = sys_dup3(descriptors[i], i, 0);
    if (result < 0) {
      start_fail(start, result, "cannot set up standard descriptors");
    }
  }
  if (command->cwd != NULL) {
    long result = sys_call1(SYS_chdir, command->cwd);
    if (result < 0) {
      start_fail(start, result, "cannot enter the working directory");
    }
  }
  const char *parts[SHELL_PARTS] = {"sh", "-c", command->line, NULL};
  start_fail(start, sys_call3(SYS_execve, "/bin/sh", parts, command->environment), "cannot execute /bin/sh");
}

static void describe_failure(const struct start *start, struct text *failure) {
  /* F_OK is 0. A file that is there and "not found" names an interpreter that is not. */
  bool exists = sys_call3(SYS_faccessat, AT_FDCWD, "/bin/sh", 0) == 0;
  if (start->error == ENOENT && start->step[0] != 0 && !exists && strstr(start->step, "/bin/sh") != NULL) {
    text_add(failure, "no /bin/sh in the guest");
    return;
  }
  text_add(failure, start->step);
  if (start->command->cwd != NULL && strstr(start->step, "directory") != NULL) {
    text_add(failure, " ");
    text_add(failure, start->command->cwd);
  } else if (start->error == ENOENT && exists) {
    text_add(failure, ", its interpreter is missing");
  }
  text_add(failure, ": ");
  text_add_errno(failure, start->error);
}

int command_start(struct agent *agent, const struct command *command, struct process *process,
                  struct text *failure) {
  struct start start = {command, agent->guest, 0, ""};
  unsigned long flags = CLONE_VM | CLONE_VFORK | SIGCHLD;
  flags |= command->job != NULL ? CLONE_PARENT | CLONE_PARENT_SETTID : 0;
  int *tid = command->job != NULL ? (int *)&command->job->pid : NULL;
  long pid = sys_clone_call(flags, agent->command_stack + COMMAND_STACK_SIZE, tid, command_child, &start);
  if (pid == -EINVAL && command->job != NULL) {
    text_add(failure, "the first process of a pid namespace cannot start jobs; a further worker there can: ");
    text_add_errno(failure, EINVAL);
    return EINVAL;
  }
  if (pid < 0) {
    text_add(failure, "cannot start a process: ");
    text_add_errno(failure, (int)-pid);
    return (int)-pid;
  }
  if (start.error != 0) {
    if (command->job == NULL) {
      sys_wait((int)pid, NULL, 0);
    }
    describe_failure(&start, failure);
    return start.error;
  }
  *process = (struct process){.pid = (int)pid, .watch = (int)sys_pidfd_open((int)pid)};
  return 0;
}

int command_null_input(const struct guest *guest) {
  int pair[2];
  if (guest->null >= 0) {
    return (int)sys_fcntl(guest->null, F_DUPFD_CLOEXEC, 3);
  }
  if (sys_pipe(pair, O_CLOEXEC) < 0) {
    return -1;
  }
  sys_close(pair[1]);
  return pair[0];
}

/* ---- environment ---------------------------------------------------------------------------- */

extern char **environ;

static size_t name_length(const char *variable) { return (size_t)(strchr(variable, '=') - variable); }

static bool is_overridden(const char *variable, const struct exec_request *request) {
  struct span list = request->environment;
  size_t length = name_length(variable) + 1;
  for (uint32_t i = 0; i < request->environment_count; i++) {
    struct span given = span_take_string(&list);
    if (given.length >= length && memcmp(given.data, variable, length) == 0) {
      return true;
    }
  }
  return false;
}

char **command_environment(struct agent *agent, const struct exec_request *request, size_t *used) {
  bool inherit = (request->flags & PV_EXEC_CLEAR_ENV) == 0;
  size_t inherited = 0;
  while (inherit && environ[inherited] != NULL) {
    inherited++;
  }
  /* The list first, then the strings: their addresses are known only once the arena has stopped growing. */
  size_t list_at = (*used + 15) / 16 * 16;
  size_t list_size = (inherited + request->environment_count + 1) * sizeof(char *);
  size_t text_at = list_at + list_size;
  if (buffer_reserve(&agent->arena, text_at + request->environment.length) != 0) {
    return NULL;
  }
  char **list = (char **)(void *)(agent->arena.data + list_at);
  size_t count = 0;
  for (size_t i = 0; i < inherited; i++) {
    if (strchr(environ[i], '=') != NULL && !is_overridden(environ[i], request)) {
      list[count++] = environ[i];
    }
  }
  struct span given = request->environment;
  for (uint32_t i = 0; i < request->environment_count; i++) {
    struct span variable = span_take_string(&given);
    list[count++] = agent_copy_string(agent, variable, &text_at); /* fits: 4 bytes of length became 1 */
  }
  list[count] = NULL;
  *used = text_at;
  return list;
}

/* ---- processes ------------------------------------------------------------------------------ */

bool process_poll(struct process *process) {
  if (!process->exited) {
    long result = sys_wait(process->pid, &process->status, WNOHANG);
    /* A script ignores SIGCHLD, or has a wait of its own under way: the process is gone all the same. */
    process->status_unknown = result == -ECHILD;
    process->exited = result == process->pid || process->status_unknown;
  }
  return process->exited;
}

void process_kill(const struct process *process) {
  sys_kill(-process->pid, SIGKILL);
  if (!process->exited) {
    sys_kill(process->pid, SIGKILL); /* had it left the group */
  }
}

int64_t process_poll_limit(const struct process *process, int64_t timeout_ms) {
  bool blind = process->watch < 0 && !process->exited;
  return blind && (timeout_ms < 0 || timeout_ms > LOOK_INTERVAL_MS) ? LOOK_INTERVAL_MS : timeout_ms;
}

void process_close(struct process *process) {
  if (process->watch >= 0) {
    sys_close(process->watch);
  }
  process->watch = -1;
}

int32_t status_exit_code(int status) {
  return WIFSIGNALED(status) ? 128 + WTERMSIG(status) : WEXITSTATUS(status);
}
int32_t status_signal(int status) { return WIFSIGNALED(status) ? WTERMSIG(status) : 0; }
