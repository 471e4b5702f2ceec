#include "control_loop.h"

#include <sys/epoll.h>

#include "control.h"
#include "control_children.h"
#include "control_inbox.h"
#include "control_thread.h"
#include "sys.h"

enum { EVENTS = 32, FIND_INTERVAL_MS = 20 };

/* ---- SIGCHLD -------------------------------------------------------------------------------- */

static volatile sig_atomic_t control_child_ended =
    1; /* a child may have ended before the handler was installed */

static void control_note_child(int signal) {
  (void)signal;
  control_child_ended = 1;
}

/* SIGCHLD is blocked except in epoll_pwait(2): it is not lost before the wait and interrupts nothing else. */
static void control_block_sigchld(void) {
  sys_sigset child = SYS_SIGNAL_BIT(SIGCHLD);
  struct sigaction action = {.sa_handler = control_note_child};
  sigaction(SIGCHLD, &action, NULL);
  sys_call4(SYS_rt_sigprocmask, SIG_SETMASK, &child, 0, sizeof child);
}

/* While events are always pending, epoll_pwait(2) never delivers the signal, so it is also asked for here. */
static bool control_take_child_ended(void) {
  static const sys_sigset child = SYS_SIGNAL_BIT(SIGCHLD);
  static const struct timespec now = {0, 0};
  bool ended =
      sys_call4(SYS_rt_sigtimedwait, &child, NULL, &now, sizeof child) == SIGCHLD || control_child_ended;
  control_child_ended = 0;
  return ended;
}

/* ---- the loop ------------------------------------------------------------------------------- */

static void control_dispatch(struct control *control, uint64_t tag, uint32_t events) {
  uint32_t index = watch_index_of(tag);
  switch (watch_source_of(tag)) {
  case WATCH_PORT: peer_port_ready(control); break;
  case WATCH_STREAM: peer_stream_ready(control); break;
  case WATCH_LISTENER: peer_accept(control); break;
  case WATCH_CANDIDATE: peer_admit(control, index); break;
  case WATCH_EVENTS: peer_events_ready(control); break;
  case WATCH_HANDOFF: inbox_take(control); break;
  case WATCH_CHANNEL: channel_ready(control, index, events); break;
  case WATCH_DRAIN: drain_ready(control, index); break;
  case WATCH_LOG: log_ready(control); break;
  }
}

/* Returns the shorter of two time limits; negative ones are none. */
static int control_sooner(int one, int other) { return one < 0 || (other >= 0 && other < one) ? other : one; }

/* Prepares everything that must happen before the wait. Returns the wait's limit in milliseconds, -1: none.
 */
static int control_prepare_wait(struct control *control) {
  int thread_timeout = thread_tick(control);
  if (control_take_child_ended()) {
    children_reap(control);
  }
  children_reap_threads(control);
  int timeout = control_sooner(interrupt_tick(control), thread_timeout);
  if (peer_must_poll(control)) { /* a kernel without device events */
    timeout = control_sooner(timeout, FIND_INTERVAL_MS);
    peer_find(control);
  }
  bool has_more = log_send(control);
  outbox_flush(&control->outbox);
  channels_resume(control);
  return has_more && !outbox_is_full(&control->outbox) ? 0 : timeout;
}

static int control_init(struct control *control, struct environment *environment, int handoff) {
  *control = (struct control){
      .environment = environment, .table = environment->table, .handoff = handoff, .outbox = {.fd = -1}};
  peer_init(control);
  channels_init(control);
  drain_init(control);
  log_init(control);
  int error = watch_open(&control->watches);
  if (error == 0) {
    watch_add(&control->watches, handoff, EPOLLIN, WATCH_HANDOFF, 0);
  }
  return error;
}

void control_run(struct environment *environment, int handoff, int given, bool given_link) {
  static struct control control;
  static const sys_sigset none = 0;
  if (control_init(&control, environment, handoff) != 0) {
    sys_exit(1);
  }
  peer_open(&control, given, given_link);
  control_block_sigchld();
  for (;;) {
    struct epoll_event events[EVENTS];
    int timeout = control_prepare_wait(&control);
    /* In a test the agent ends with its last connection. */
    if (environment->is_test && children_are_gone(&control) && control.outbox.fd < 0) {
      sys_exit(0);
    }
    long count = sys_call6(SYS_epoll_pwait, control.watches.epoll, (long)events, EVENTS, timeout, (long)&none,
                           sizeof none);
    for (long i = 0; i < count; i++) {
      control_dispatch(&control, events[i].data.u64, events[i].events);
    }
  }
}
