#include "command.h"

#include <sys/ioctl.h>

#include "home.h"
#include "sys.h"

enum { SHELL_PARTS = 4, LIFTED_FROM = 10, COPY_RESERVE = 65536 };

#define SHELL "/bin/sh"

enum command_step { STEP_DESCRIPTORS, STEP_DIRECTORY, STEP_SHELL };

/* Shared with the child, which runs in this memory until it executes the shell. */
struct command_start {
  const struct command *command;
  const struct environment *environment;
  int error;
  enum command_step step;
};

/* ---- the child ------------------------------------------------------------------------------ */

static void start_fail(struct command_start *start, long result, enum command_step step) {
  start->error = (int)-result;
  start->step = step;
  sys_exit(127);
}

/* A script can close its standard descriptors, so the given ones may have their numbers. Moves one away. */
static int start_lift(int fd) { return fd > 2 ? fd : (int)sys_fcntl(fd, F_DUPFD_CLOEXEC, LIFTED_FROM); }

/*
 * Notes the pid that is valid for control. The process that starts the job may be in its own pid namespace;
 * the agent's mount of proc shows the number in the namespace of control.
 */
static void start_note_pid(const struct command_start *start) {
  char link[16];
  int pid = 0;
  long length = sys_call4(SYS_readlinkat, start->environment->proc, "self", link, sizeof link);
  for (long i = 0; i < length; i++) {
    pid = pid * 10 + (link[i] - '0');
  }
  if (pid > 0) {
    start->command->job->pid = pid;
  }
}

/*
 * The child, on its own stack in the agent's memory, while its parent waits. It may change only `start` and
 * what the kernel keeps for each process. It reports a failure in `start`.
 */
static void start_child(void *argument) {
  struct command_start *start = argument;
  const struct command *command = start->command;
  sys_sigset none = 0;
  sys_call4(SYS_rt_sigprocmask, SIG_SETMASK, &none, 0, sizeof none);
  sys_call0(SYS_setsid);
  if (command->job != NULL) {
    start_note_pid(start);
  }
  environment_set_oom_score(start->environment, "0");
  int descriptors[3] = {start_lift(command->input), start_lift(command->output), start_lift(command->error)};
  for (int i = 0; i < 3; i++) {
    long result = sys_dup3(descriptors[i], i, 0);
    if (result < 0) {
      start_fail(start, result, STEP_DESCRIPTORS);
    }
  }
  if (command->terminal) {
    long result = sys_ioctl(0, TIOCSCTTY, NULL);
    if (result < 0) {
      start_fail(start, result, STEP_DESCRIPTORS);
    }
  }
  if (command->cwd != NULL) {
    long result = sys_call1(SYS_chdir, command->cwd);
    if (result < 0) {
      start_fail(start, result, STEP_DIRECTORY);
    }
  }
  const char *parts[SHELL_PARTS] = {"sh", "-c", command->line, NULL};
  start_fail(start, sys_call3(SYS_execve, SHELL, parts, command->environment), STEP_SHELL);
}

/* ---- the parent ----------------------------------------------------------------------------- */

static void start_describe_shell_failure(int error, struct text *failure) {
  bool exists = sys_call3(SYS_faccessat, AT_FDCWD, SHELL, 0 /* F_OK */) == 0;
  if (error == ENOENT && !exists) {
    text_add(failure, "no " SHELL " in the guest");
    return;
  }
  text_add(failure, "cannot execute " SHELL);
  /* ENOENT for a file that exists is about the interpreter that the file names. */
  text_add(failure, error == ENOENT ? ", its interpreter is missing: " : ": ");
  text_add_errno(failure, error);
}

static void start_describe_failure(const struct command_start *start, struct text *failure) {
  switch (start->step) {
  case STEP_SHELL: start_describe_shell_failure(start->error, failure); return;
  case STEP_DIRECTORY:
    text_add(failure, "cannot enter the working directory ");
    text_add(failure, start->command->cwd);
    break;
  case STEP_DESCRIPTORS: text_add(failure, "cannot set up standard descriptors"); break;
  }
  text_add(failure, ": ");
  text_add_errno(failure, start->error);
}

static int start_refuse(int error, const char *what, struct text *failure) {
  text_add(failure, what);
  text_add(failure, ": ");
  text_add_errno(failure, error);
  return error;
}

int command_start(struct session *session, const struct command *command, struct process *process,
                  struct text *failure) {
  struct command_start start = {.command = command, .environment = session->environment};
  unsigned long flags = CLONE_VM | CLONE_VFORK | SIGCHLD;
  flags |= command->job != NULL ? CLONE_PARENT | CLONE_PARENT_SETTID : 0;
  int *tid = command->job != NULL ? (int *)&command->job->pid : NULL;
  long pid =
      sys_clone_call(flags, session->command_stack + COMMAND_STACK_SIZE, tid, NULL, start_child, &start);
  if (command->job != NULL) {
    command->job->started = 1;
  }
  if (pid == -EINVAL && command->job != NULL) {
    return start_refuse(EINVAL,
                        "the first process of a pid namespace cannot start jobs; a further worker there can",
                        failure);
  }
  if (pid < 0) {
    return start_refuse((int)-pid, "cannot start a process", failure);
  }
  if (start.error != 0) {
    if (command->job == NULL) {
      sys_wait((int)pid, NULL, 0);
    }
    start_describe_failure(&start, failure);
    return start.error;
  }
  *process = (struct process){.pid = (int)pid, .watch = (int)sys_pidfd_open((int)pid)};
  return 0;
}

int command_null_input(const struct environment *environment) {
  int pair[2];
  if (environment->null >= 0) {
    return (int)sys_fcntl(environment->null, F_DUPFD_CLOEXEC, 3);
  }
  if (sys_pipe(pair, O_CLOEXEC) < 0) {
    return -1;
  }
  sys_close(pair[1]);
  return pair[0];
}

/* Reserves the arena once, because the strings must not move afterwards. */
bool command_copy(struct session *session, const struct exec_request *request, struct command *command) {
  size_t used = 0;
  size_t size = (size_t)request->command.length + request->cwd.length + request->environment.length +
                (request->environment_count + 1) * sizeof(char *) + COPY_RESERVE;
  if (buffer_reserve(&session->arena, size) != 0) {
    return false;
  }
  command->environment = command_environment(session, request, &used);
  command->line = session_copy_string(session, request->command, &used);
  command->cwd = request->cwd.length != 0 ? session_copy_string(session, request->cwd, &used) : NULL;
  return command->environment != NULL && command->line != NULL;
}

/* ---- environment ---------------------------------------------------------------------------- */

extern char **environ;

static bool variable_is_given(const char *variable, const struct exec_request *request) {
  struct span list = request->environment;
  size_t prefix = (size_t)(strchr(variable, '=') - variable) + 1;
  for (uint32_t i = 0; i < request->environment_count; i++) {
    struct span given = span_take_string(&list);
    if (given.length >= prefix && memcmp(given.data, variable, prefix) == 0) {
      return true;
    }
  }
  return false;
}

char **command_environment(struct session *session, const struct exec_request *request, size_t *used) {
  bool inherit = (request->flags & PV_EXEC_CLEAR_ENV) == 0;
  size_t inherited = 0;
  while (inherit && environ[inherited] != NULL) {
    inherited++;
  }
  struct text home = {.length = 0};
  struct text home_variable = {.length = 0};
  if (inherit && !variable_is_given("HOME=", request)) {
    home_find(&home);
    text_add(&home_variable, "HOME=");
    text_add(&home_variable, home.data);
  }
  /* Reserved at once, because the list contains addresses in the arena, which moves when it grows. */
  size_t list_at = (*used + 15) / 16 * 16;
  size_t list_size = (inherited + request->environment_count + 2) * sizeof(char *);
  size_t text_at = list_at + list_size;
  if (buffer_reserve(&session->arena, text_at + request->environment.length + sizeof home_variable.data) !=
      0) {
    return NULL;
  }
  char **list = (char **)(void *)(session->arena.data + list_at);
  size_t count = 0;
  for (size_t i = 0; i < inherited; i++) {
    bool is_home = strncmp(environ[i], "HOME=", strlen("HOME=")) == 0;
    if (strchr(environ[i], '=') != NULL && !is_home && !variable_is_given(environ[i], request)) {
      list[count++] = environ[i];
    }
  }
  if (home_variable.length != 0) {
    struct span text = {(const uint8_t *)home_variable.data, (uint32_t)home_variable.length};
    list[count++] = session_copy_string(session, text, &text_at);
  }
  struct span given = request->environment;
  for (uint32_t i = 0; i < request->environment_count; i++) {
    struct span variable = span_take_string(&given);
    list[count++] =
        session_copy_string(session, variable, &text_at); /* fits: a zero replaces 4 bytes of length */
  }
  list[count] = NULL;
  *used = text_at;
  return list;
}
