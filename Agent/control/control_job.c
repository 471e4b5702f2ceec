#include "control_job.h"

#include <linux/futex.h>
#include <sys/wait.h>

#include "control.h"
#include "sys.h"
#include "vfs.h"

static void job_note_end(struct job_entry *entry, int status) {
  entry->status = (uint32_t)status;
  entry->ended = 1;
}

static bool job_is_other_member(int directory, const char *name, void *context) {
  const int leader = *(const int *)context;
  int pid = 0;
  (void)directory;
  for (; *name >= '0' && *name <= '9'; name++) {
    pid = pid * 10 + (*name - '0');
  }
  return pid != 0 && pid != leader && sys_call1(SYS_getpgid, pid) == leader;
}

/* Without a mount of proc no group is known to be empty. */
static bool job_group_is_empty(const struct control *control, int leader) {
  int proc = control->environment->proc;
  return proc >= 0 && !vfs_each(proc, ".", job_is_other_member, &leader);
}

/*
 * Notes the end of the shell. It stays a zombie, and so keeps its number, while other processes of its group
 * may live. Otherwise it is reaped.
 */
static void job_update(struct control *control, uint32_t index) {
  struct job_entry *entry = &control->table->jobs[index];
  siginfo_t info = {0};
  int pid = entry->pid;
  if (pid <= 0 || entry->ended) {
    return;
  }
  long result = sys_call5(SYS_waitid, P_PID, pid, &info, WEXITED | WNOHANG | WNOWAIT, 0);
  if (result != 0 || info.si_pid != pid) {
    return;
  }
  if (control->jobs[index].killed || job_group_is_empty(control, pid)) {
    entry->pid = 0;
    sys_wait(pid, NULL, WNOHANG);
  }
  job_note_end(entry, info.si_code == CLD_EXITED ? (info.si_status & 0xFF) << 8 : info.si_status);
}

static void job_kill(struct control *control, uint32_t index) {
  struct job_entry *entry = &control->table->jobs[index];
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

static bool job_reap_later(struct dying_shells *dying, int pid) {
  bool has_room = dying->count < PV_MAX_JOBS;
  if (has_room) {
    dying->pids[dying->count++] = pid;
  }
  return has_room;
}

static void job_reap_dying(struct dying_shells *dying) {
  uint32_t left = 0;
  for (uint32_t i = 0; i < dying->count; i++) {
    if (sys_wait(dying->pids[i], NULL, WNOHANG) == 0) {
      dying->pids[left++] = dying->pids[i];
    }
  }
  dying->count = left;
}

/*
 * Frees the entry at once, because a new job may need its place before a killed shell has died. It stays
 * until the shell can be reaped if too many shells are dying, or if the process that becomes the shell could
 * still write its pid to the entry.
 */
static void job_free(struct control *control, uint32_t index) {
  struct job_entry *entry = &control->table->jobs[index];
  struct job_state *state = &control->jobs[index];
  bool is_dying = entry->pid > 0 && sys_wait(entry->pid, NULL, WNOHANG) == 0;
  state->leaving = is_dying && (!entry->started || !job_reap_later(&control->dying, entry->pid));
  if (!state->leaving) {
    state->killed = false;
    entry->pid = 0;
    entry->owner = entry->started = entry->ended = entry->status = entry->read = entry->truncated = 0;
    entry->id = 0; /* last, because another process can take the entry now */
  }
}

void job_handle(struct control *control, const struct handoff_message *message) {
  uint32_t index = message->number;
  struct job_entry *entry = &control->table->jobs[index];
  uint32_t asked = entry->asked;
  if (entry->id == message->job) { /* otherwise the job has made room for another one */
    switch (message->kind) {
    case HANDOFF_JOB_UPDATE:
      job_update(control, index); /* first: a job that has ended has written all its output */
      drain_ready(control, index);
      break;
    case HANDOFF_JOB_SIGNAL:
      if (entry->pid > 0) {
        sys_kill(-entry->pid, (int)message->value);
      }
      break;
    case HANDOFF_JOB_KILL: job_kill(control, index); break;
    case HANDOFF_JOB_FREE:
      drain_close(control, index);
      job_free(control, index);
      break;
    default: break;
    }
  }
  entry->answered = asked;
  sys_call3(SYS_futex, &entry->answered, FUTEX_WAKE, INT32_MAX);
}

void jobs_end(struct control *control, uint32_t owner) {
  for (uint32_t i = 0; i < PV_MAX_JOBS; i++) {
    struct job_entry *entry = &control->table->jobs[i];
    if (entry->id != 0 && entry->owner == owner) {
      job_kill(control, i);
      drain_close(control, i);
      job_free(control, i);
    }
  }
}

void jobs_update(struct control *control) {
  job_reap_dying(&control->dying);
  for (uint32_t i = 0; i < PV_MAX_JOBS; i++) {
    if (control->jobs[i].leaving) {
      job_free(control, i);
    } else if (control->table->jobs[i].id != 0) {
      job_update(control, i);
    }
  }
}

void jobs_note_reaped(struct control *control, int pid, int status) {
  for (uint32_t i = 0; i < PV_MAX_JOBS; i++) {
    struct job_entry *entry = &control->table->jobs[i];
    if (entry->id != 0 && entry->pid == pid) {
      entry->pid = 0;
      job_note_end(entry, status);
    }
  }
}
