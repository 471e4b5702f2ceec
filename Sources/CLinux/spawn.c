#define _GNU_SOURCE
#include "clinux.h"
#include "place_descriptors.h"

#include <errno.h>
#include <signal.h>
#include <sys/prctl.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* Shared with the child, which runs in our memory until it execs. */
struct report {
  volatile int error;
  volatile enum clinux_spawn_step step;
};

/* Only async-signal-safe calls, and nothing written but `report`: the parent's other threads still run. */
__attribute__((noreturn, noinline)) static void run_child(const struct clinux_spawn *request, pid_t parent,
                                                          struct report *report) {
  struct sigaction standard = {.sa_handler = SIG_DFL};
  for (int number = 1; number < 65; number++)
    if (number != SIGKILL && number != SIGSTOP) sigaction(number, &standard, NULL);
  sigset_t none;
  sigemptyset(&none);
  sigprocmask(SIG_SETMASK, &none, NULL);
  if (request->new_session)
    setsid();
  else
    setpgid(0, 0);
  if (request->death_signal != 0) {
    prctl(PR_SET_PDEATHSIG, request->death_signal);
    if (getppid() != parent) _exit(127); /* the parent died before the signal was set */
  }
  if (request->directory != NULL && chdir(request->directory) != 0) {
    report->error = errno;
    report->step = CLINUX_SPAWN_DIRECTORY;
    _exit(127);
  }
  int failed = place_descriptors(request->fds, request->fd_count);
  if (failed != 0) {
    report->error = failed;
    report->step = CLINUX_SPAWN_DESCRIPTORS;
    _exit(127);
  }
  execve(request->path, request->argv, request->envp);
  report->error = errno;
  report->step = CLINUX_SPAWN_EXEC;
  _exit(127);
}

int clinux_spawn(const struct clinux_spawn *request, pid_t *pid, enum clinux_spawn_step *step) {
  struct report report = {0, CLINUX_SPAWN_FORK};
  pid_t parent = getpid();
  sigset_t all, before;
  sigfillset(&all);
  /* No handler of ours may run in the child while it shares our memory. */
  pthread_sigmask(SIG_SETMASK, &all, &before);
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wdeprecated-declarations"
  /* vfork: a fork would copy the page tables of a process that may map gigabytes. */
  pid_t child = vfork();
#pragma GCC diagnostic pop
  if (child == 0) run_child(request, parent, &report);
  int error = child < 0 ? errno : report.error;
  pthread_sigmask(SIG_SETMASK, &before, NULL);
  *step = report.step;
  if (child > 0 && error != 0) waitpid(child, NULL, 0);
  *pid = error == 0 ? child : -1;
  return -error;
}

int clinux_pidfd_open(pid_t pid) {
  int fd = (int)syscall(SYS_pidfd_open, pid, 0);
  return fd < 0 ? -errno : fd;
}

int clinux_wait(pid_t pid, bool no_hang, int *status) {
  for (;;) {
    pid_t ended = waitpid(pid, status, no_hang ? WNOHANG : 0);
    if (ended == pid) return 1;
    if (ended == 0) return 0;
    if (errno != EINTR) return -errno;
  }
}
