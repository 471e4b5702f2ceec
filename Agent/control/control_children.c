#include "control_children.h"

#include <sys/wait.h>

#include "control.h"
#include "control_inbox.h"
#include "control_thread.h"
#include "sys.h"

static bool children_find(const struct control *control, int pid, uint32_t *target) {
  for (uint32_t n = 0; n < TARGETS; n++) {
    const struct slot *slot = &control->table->slots[n];
    if (slot->state != SLOT_FREE && slot->pid == pid) {
      *target = n;
      return true;
    }
  }
  return false;
}

/* Sends the last bytes of a serving process first, then reports its end, and frees its number last. */
static void children_end(struct control *control, uint32_t target, int pid, int status) {
  inbox_take(control); /* it may have started a job just before its end */
  jobs_end(control, target);
  control->interrupts[target].active = false;
  if (target == 0) {
    control->main_gone = true;
    control->main_status = status;
  } else {
    channel_remove(control, target);
  }
  peer_send_gone(control, target, pid, status);
  control->table->slots[target].state = SLOT_FREE;
  if (control->kill_awaited[target]) {
    control->kill_awaited[target] = false;
    outbox_send_done(&control->outbox);
  }
}

/* The threads of the main agent end with it. */
static void children_end_process(struct control *control, uint32_t target, int pid, int status) {
  for (uint32_t n = 1; target == 0 && n < TARGETS; n++) {
    if (thread_is(control, n)) {
      children_end(control, n, control->table->slots[n].pid, status | (int)PV_GONE_WITH_PROCESS);
    }
  }
  children_end(control, target, pid, status);
}

/*
 * The shells of jobs must stay zombies until their entries are freed, so control cannot wait for any child.
 * It waits for those of its own process group, then for the serving processes, to which a script may have
 * given another group, and then looks at the jobs.
 */
void children_reap(struct control *control) {
  int status, pid;
  uint32_t target;
  while ((pid = (int)sys_wait(0, &status, WNOHANG)) > 0) {
    if (children_find(control, pid, &target)) {
      children_end_process(control, target, pid, status);
    } else {
      jobs_note_reaped(control, pid, status);
    }
  }
  for (target = 0; target < TARGETS; target++) {
    const struct slot *slot = &control->table->slots[target];
    pid = slot->state != SLOT_FREE && !thread_is(control, target) ? slot->pid : 0;
    if (pid > 0 && sys_wait(pid, &status, WNOHANG) == pid) {
      children_end_process(control, target, pid, status);
    }
  }
  jobs_update(control);
}

void children_reap_threads(struct control *control) {
  for (uint32_t n = 1; n < TARGETS; n++) {
    const struct slot *slot = &control->table->slots[n];
    if (thread_is(control, n) && thread_is_gone(control, n)) {
      children_end(control, n, slot->pid, (int)slot->exit_status);
    }
  }
}

bool children_are_gone(const struct control *control) {
  bool gone = control->main_gone;
  for (uint32_t n = 1; n < TARGETS; n++) {
    gone = gone && control->table->slots[n].state == SLOT_FREE;
  }
  return gone;
}
