/*
 * The processes of background commands. Whoever starts one makes it control's child (CLONE_PARENT): it is
 * looked at without being reaped as long as its group has members, so that the group can be killed at any
 * time without ever meaning another one, whatever has become of its leader and of its owner.
 */
#include <linux/futex.h>
#include <sys/wait.h>

#include "control.h"
#include "internal.h"
#include "sys.h"
#include "vfs.h"

static void note_end(struct job_entry *entry, int status) {
  entry->status = (uint32_t)status;
  entry->ended = 1;
}

static bool is_other_member(int directory, const char *name, void *context) {
  const int leader = *(const int *)context;
  int pid = 0;
  (void)directory;
  for (; *name >= '0' && *name <= '9'; name++) {
    pid = pid * 10 + (*name - '0');
  }
  return pid != 0 && pid != leader && sys_call1(SYS_getpgid, pid) == leader;
}

/* Where there is no proc to look into, a group is never known to be empty. */
static bool group_is_empty(const struct control *control, int leader) {
  const struct guest *guest = control->guest;
  return guest->proc >= 0 && !vfs_each(guest->proc, ".", is_other_member, &leader);
}

/*
 * Notes its end. The leader stays a zombie as long as others of its group may live, for as long it keeps
 * their number; else there is nothing left to kill, and nothing is left to be seen.
 */
static void look(struct control *control, uint32_t index) {
  struct job_entry *entry = &control->shared->jobs[index];
  siginfo_t info = {0};
  int pid = entry->pid;
  if (pid <= 0 || entry->ended) {
    return;
  }
  long result = sys_call5(SYS_waitid, P_PID, pid, &info, WEXITED | WNOHANG | WNOWAIT, 0);
  if (result != 0 || info.si_pid != pid) {
    return;
  }
  if (control->jobs[index].killed || group_is_empty(control, pid)) {
    entry->pid = 0;
    sys_wait(pid, NULL, WNOHANG);
  }
  note_end(entry, info.si_code == CLD_EXITED ? (info.si_status & 0xFF) << 8 : info.si_status);
}

static void end(struct control *control, uint32_t index) {
  struct job_entry *entry = &control->shared->jobs[index];
  if (entry->pid > 0) {
    sys_kill(-entry->pid, SIGKILL);
    sys_kill(entry->pid, SIGKILL); /* it may not lead its group yet */
    control->jobs[index].killed = true;
    if (entry->ended) {
      sys_wait(entry->pid, NULL, WNOHANG);
      entry->pid = 0;
    }
  }
}

/* Gives the entry back, now or as soon as its leader can be reaped. */
static void release(struct control *control, uint32_t index) {
  struct job_entry *entry = &control->shared->jobs[index];
  struct job_state *state = &control->jobs[index];
  state->leaving = entry->pid > 0 && sys_wait(entry->pid, NULL, WNOHANG) == 0;
  if (!state->leaving) {
    state->killed = false;
    entry->pid = 0;
    entry->owner = entry->ended = entry->status = entry->read = entry->truncated = 0;
    entry->id = 0; /* last: from here on it is somebody else's */
  }
}

void job_handle(struct control *control, const struct internal_message *message) {
  uint32_t index = message->number;
  struct job_entry *entry = &control->shared->jobs[index];
  uint32_t asked = entry->asked;
  if (entry->id == message->job) { /* else it has made room meanwhile */
    switch (message->kind) {
    case INTERNAL_JOB_LOOK:
      look(control, index); /* first: what has ended has printed everything */
      drain_ready(control, index);
      break;
    case INTERNAL_JOB_KILL: end(control, index); break;
    case INTERNAL_JOB_FREE:
      drain_close(control, index);
      release(control, index);
      break;
    default: break;
    }
  }
  entry->answered = asked;
  sys_call3(SYS_futex, &entry->answered, FUTEX_WAKE, INT32_MAX);
}

void jobs_end(struct control *control, uint32_t owner) {
  for (uint32_t i = 0; i < PV_MAX_JOBS; i++) {
    struct job_entry *entry = &control->shared->jobs[i];
    if (entry->id != 0 && entry->owner == owner) {
      end(control, i);
      drain_close(control, i);
      release(control, i);
    }
  }
}

void jobs_look(struct control *control) {
  for (uint32_t i = 0; i < PV_MAX_JOBS; i++) {
    if (control->jobs[i].leaving) {
      release(control, i);
    } else if (control->shared->jobs[i].id != 0) {
      look(control, i);
    }
  }
}

void jobs_note_reaped(struct control *control, int pid, int status) {
  for (uint32_t i = 0; i < PV_MAX_JOBS; i++) {
    struct job_entry *entry = &control->shared->jobs[i];
    if (entry->id != 0 && entry->pid == pid) {
      entry->pid = 0;
      note_end(entry, status);
    }
  }
}
