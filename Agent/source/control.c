#include "control.h"

#include <string.h>
#include <sys/epoll.h>
#include <sys/wait.h>

#include "descriptor.h"
#include "internal.h"
#include "port.h"
#include "sys.h"

int control_init(struct control *control, struct guest *guest, int internal) {
  *control = (struct control){.guest = guest, .shared = guest->shared, .internal = internal};
  control->host = (struct host){.port = -1, .listener = -1, .events = -1, .stream = -1, .active = -1};
  for (uint32_t i = 0; i < CANDIDATES; i++) {
    control->host.candidates[i].fd = -1;
  }
  for (uint32_t i = 0; i < TARGETS; i++) {
    control->channels[i].handing = control->channels[i].stream = -1;
  }
  for (uint32_t i = 0; i < PV_MAX_JOBS; i++) {
    control->drains[i] = (struct drain){{-1, -1}, {-1, -1}, {0, 0}};
  }
  control->epoll = descriptor_hide((int)sys_call1(SYS_epoll_create1, EPOLL_CLOEXEC));
  if (control->epoll < 0) {
    return control->epoll;
  }
  control_watch(control, internal, EPOLLIN, SOURCE_INTERNAL, 0);
  return 0;
}

/* ---- descriptors ---------------------------------------------------------------------------- */

static void watch(struct control *control, int operation, int fd, uint32_t events, uint64_t tag) {
  struct epoll_event event = {.events = events, .data.u64 = tag};
  sys_call4(SYS_epoll_ctl, control->epoll, operation, fd, &event);
}

static uint64_t tag_of(enum source source, uint32_t index) { return (uint64_t)source << 32 | index; }

void control_watch(struct control *control, int fd, uint32_t events, enum source source, uint32_t index) {
  watch(control, EPOLL_CTL_ADD, fd, events, tag_of(source, index));
}

void control_rewatch(struct control *control, int fd, uint32_t events, enum source source, uint32_t index) {
  watch(control, EPOLL_CTL_MOD, fd, events, tag_of(source, index));
}

void control_unwatch(struct control *control, int fd) {
  if (fd >= 0) {
    /* Before closing: another process may hold the same open file, and epoll would go on reporting it. */
    watch(control, EPOLL_CTL_DEL, fd, 0, 0);
    descriptor_close(fd);
  }
}

void control_take_internal(struct control *control) {
  struct internal_message message;
  while (internal_receive(control->internal, &message, MSG_DONTWAIT) == 0) {
    if (message.kind == INTERNAL_WORKER && message.number < TARGETS && message.count == 1) {
      channel_add(control, message.number, message.descriptors[0]);
    } else if (message.kind == INTERNAL_JOB && message.number < PV_MAX_JOBS && message.count == 4) {
      drain_add(control, message.number, message.descriptors);
    } else if (message.kind >= INTERNAL_JOB_LOOK && message.kind <= INTERNAL_JOB_FREE &&
               message.number < PV_MAX_JOBS) {
      job_handle(control, &message);
    } else {
      for (uint32_t i = 0; i < message.count; i++) {
        sys_close(message.descriptors[i]);
      }
    }
  }
}

/* ---- children ------------------------------------------------------------------------------- */

static bool find_target(const struct control *control, int pid, uint32_t *target) {
  for (uint32_t n = 0; n < TARGETS; n++) {
    if (control->shared->slots[n].state != SLOT_FREE && control->shared->slots[n].pid == pid) {
      *target = n;
      return true;
    }
  }
  return false;
}

/* First what it still had to say, then the news; its number is free last. */
static void bury(struct control *control, uint32_t target, int pid, int status) {
  control_take_internal(control); /* a job it has just started would otherwise be missed */
  jobs_end(control, target);
  control->interrupts[target].active = false;
  if (target == 0) {
    control->main_gone = true;
    control->main_status = status;
  } else {
    channel_remove(control, target);
  }
  control_send_gone(control, target, pid, status);
  control->shared->slots[target].state = SLOT_FREE;
  if (control->kill_awaited[target]) {
    int64_t value = 0;
    control->kill_awaited[target] = false;
    host_send(control, PV_DONE, &value, sizeof value);
  }
}

/*
 * Leaders of background commands stay what they are until their entry is freed, so there is no waiting for
 * "any child": those in control's own group, the serving processes (which a script may have given a group of
 * their own), and a look at the jobs.
 */
static void reap(struct control *control) {
  int status, pid;
  uint32_t target;
  while ((pid = (int)sys_wait(0, &status, WNOHANG)) > 0) {
    if (find_target(control, pid, &target)) {
      bury(control, target, pid, status);
    } else {
      jobs_note_reaped(control, pid, status);
    }
  }
  for (target = 0; target < TARGETS; target++) {
    const struct slot *slot = &control->shared->slots[target];
    pid = slot->state != SLOT_FREE ? slot->pid : 0;
    if (pid > 0 && sys_wait(pid, &status, WNOHANG) == pid) {
      bury(control, target, pid, status);
    }
  }
  jobs_look(control);
}

/* A test's agent ends when everything it served has. */
static void exit_if_done(const struct control *control) {
  bool done = control->guest->is_test && control->main_gone && control->host.active < 0;
  for (uint32_t n = 1; n < TARGETS; n++) {
    done = done && control->shared->slots[n].state == SLOT_FREE;
  }
  if (done) {
    sys_exit(0);
  }
}

/* ---- the loop ------------------------------------------------------------------------------- */

static void dispatch(struct control *control, uint64_t tag, uint32_t events) {
  uint32_t index = (uint32_t)tag;
  switch ((enum source)(tag >> 32)) {
  case SOURCE_PORT: host_readable(control, control->host.port); break;
  case SOURCE_STREAM: host_readable(control, control->host.stream); break;
  case SOURCE_LISTENER: host_accept(control); break;
  case SOURCE_CANDIDATE: host_admit(control, index); break;
  case SOURCE_EVENTS:
    port_events_drain(control->host.events);
    host_look(control);
    break;
  case SOURCE_INTERNAL: control_take_internal(control); break;
  case SOURCE_CHANNEL: channel_ready(control, index, events); break;
  case SOURCE_DRAIN: drain_ready(control, index); break;
  }
}

static volatile sig_atomic_t child_ended = 1; /* also before anybody listened */

static void note_child(int signal) {
  (void)signal;
  child_ended = 1;
}

/* As long as there is always something to do, epoll_pwait(2) never lets the signal in. */
static bool take_child_ended(void) {
  static const sys_sigset child = SYS_SIGNAL_BIT(SIGCHLD);
  static const struct timespec now = {0, 0};
  bool ended = sys_call4(SYS_rt_sigtimedwait, &child, NULL, &now, sizeof child) == SIGCHLD || child_ended;
  child_ended = 0;
  return ended;
}

void control_run(struct control *control) {
  enum { EVENTS = 32, LOOK_MS = 20 };
  /* Children are noticed only inside epoll_pwait(2): neither lost before it nor in the middle of anything
   * else. */
  sys_sigset child = SYS_SIGNAL_BIT(SIGCHLD), none = 0;
  struct sigaction action = {.sa_handler = note_child};
  sigaction(SIGCHLD, &action, NULL);
  sys_call4(SYS_rt_sigprocmask, SIG_SETMASK, &child, 0, sizeof child);
  for (;;) {
    struct epoll_event events[EVENTS];
    if (take_child_ended()) {
      reap(control);
    }
    int timeout = interrupt_tick(control);
    if (timeout < 0 && control->host.port < 0 && control->host.events < 0 && !control->guest->is_test) {
      timeout = LOOK_MS; /* a kernel without device events */
      host_look(control);
    }
    host_flush(control);
    channels_resume(control);
    exit_if_done(control);
    long count =
        sys_call6(SYS_epoll_pwait, control->epoll, (long)events, EVENTS, timeout, (long)&none, sizeof none);
    for (long i = 0; i < count; i++) {
      dispatch(control, events[i].data.u64, events[i].events);
    }
  }
}
