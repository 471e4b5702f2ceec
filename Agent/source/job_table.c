#include <linux/futex.h>

#include "descriptor.h"
#include "job.h"
#include "sys.h"

enum { ANSWER_WAIT_MS = 1000, CLAIM_TRIES = 8 };

struct job_entry *job_entry(const struct agent *agent, const struct job *job) {
  return &agent->guest->shared->jobs[job - agent->jobs];
}

bool job_is_kept(const struct agent *agent, const struct job *job) {
  return job->id != 0 && job_entry(agent, job)->id == job->id;
}

struct job *job_find(struct agent *agent, uint32_t id) {
  for (uint32_t i = 0; id != 0 && i < PV_MAX_JOBS; i++) {
    if (agent->jobs[i].id == id && job_is_kept(agent, &agent->jobs[i])) {
      return &agent->jobs[i];
    }
  }
  return NULL;
}

void job_forget(struct job *job) {
  if (job->id != 0) {
    descriptor_close(job->files[0]);
    descriptor_close(job->files[1]);
    job->id = 0;
  }
}

void job_note_read(struct agent *agent, const struct job *job) {
  if (job_is_kept(agent, job)) {
    job_entry(agent, job)->read = 1;
  }
}

/* ---- control -------------------------------------------------------------------------------- */

/* It is answered by a count: another process may be asking about the same entry at the same time. */
static void ask(struct agent *agent, uint32_t index, uint32_t id, enum internal_kind kind) {
  struct job_entry *entry = &agent->guest->shared->jobs[index];
  uint32_t asked = 1 + atomic_fetch_add(&entry->asked, 1);
  struct internal_message message = {.kind = kind, .number = index, .job = id};
  int64_t end = sys_now_ms() + ANSWER_WAIT_MS;
  if (internal_send(agent->guest->control, &message) != 0) {
    return;
  }
  for (uint32_t answered; (int32_t)((answered = entry->answered) - asked) < 0 && sys_now_ms() < end;) {
    struct timespec limit = {0, 100000000};
    if (sys_call4(SYS_futex, &entry->answered, FUTEX_WAIT, answered, &limit) == -ENOSYS) {
      sys_sleep_ms(1);
    }
  }
}

void job_ask(struct agent *agent, const struct job *job, enum internal_kind kind) {
  ask(agent, (uint32_t)(job - agent->jobs), job->id, kind);
}

/* ---- claiming ------------------------------------------------------------------------------- */

static struct job *claim_free(struct agent *agent, uint32_t id) {
  for (uint32_t i = 0; i < PV_MAX_JOBS; i++) {
    uint32_t expected = 0;
    struct job_entry *entry = &agent->guest->shared->jobs[i];
    /* Other processes look for a free entry at the same time. */
    if (atomic_compare_exchange_strong(&entry->id, &expected, id)) {
      entry->owner = agent->number;
      job_forget(&agent->jobs[i]); /* one of ours that made room for somebody else's */
      agent->jobs[i] = (struct job){.id = id, .files = {-1, -1}};
      return &agent->jobs[i];
    }
  }
  return NULL;
}

/* The oldest result that has been read, whoever's; false: there is none. */
static bool find_oldest_read(const struct shared *shared, uint32_t *index, uint32_t *id) {
  *id = 0;
  for (uint32_t i = 0; i < PV_MAX_JOBS; i++) {
    uint32_t candidate = shared->jobs[i].id;
    if (candidate != 0 && shared->jobs[i].read && (*id == 0 || candidate < *id)) {
      *index = i;
      *id = candidate;
    }
  }
  return *id != 0;
}

struct job *job_claim(struct agent *agent) {
  struct shared *shared = agent->guest->shared;
  uint32_t id = 1 + atomic_fetch_add(&shared->next_job, 1), index, oldest;
  for (uint32_t i = 0; i < PV_MAX_JOBS; i++) {
    if (!job_is_kept(agent, &agent->jobs[i])) {
      job_forget(&agent->jobs[i]);
    }
  }
  struct job *job = claim_free(agent, id);
  for (int tries = 0; job == NULL && tries < CLAIM_TRIES && find_oldest_read(shared, &index, &oldest);
       tries++) {
    ask(agent, index, oldest, INTERNAL_JOB_FREE);
    job = claim_free(agent, id);
  }
  return job;
}
