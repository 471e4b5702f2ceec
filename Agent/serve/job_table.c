#include <linux/futex.h>

#include "descriptor.h"
#include "job_table.h"
#include "sys.h"

enum { ANSWER_WAIT_MS = 1000, CLAIM_TRIES = 8 };

struct job_entry *job_entry(const struct session *session, const struct job *job) {
  return &session->environment->table->jobs[job - session->jobs];
}

bool job_is_kept(const struct session *session, const struct job *job) {
  return job->id != 0 && job_entry(session, job)->id == job->id;
}

struct job *job_find(struct session *session, uint32_t id) {
  for (uint32_t i = 0; id != 0 && i < PV_MAX_JOBS; i++) {
    if (session->jobs[i].id == id && job_is_kept(session, &session->jobs[i])) {
      return &session->jobs[i];
    }
  }
  return NULL;
}

void job_forget(struct job *job) {
  if (job->id != 0) {
    descriptor_close(job->files[0]);
    descriptor_close(job->files[1]);
    for (int i = 0; i < 3; i++) {
      descriptor_close(job->streams[i]);
    }
    job->id = 0;
  }
}

void job_note_read(struct session *session, const struct job *job) {
  if (job_is_kept(session, job)) {
    job_entry(session, job)->read = 1;
  }
}

/* ---- control -------------------------------------------------------------------------------- */

/* Counts, because several processes can ask about one entry at the same time. */
static void job_table_ask(struct session *session, uint32_t index, uint32_t id, enum handoff_kind kind,
                          uint32_t value) {
  struct job_entry *entry = &session->environment->table->jobs[index];
  uint32_t asked = 1 + atomic_fetch_add(&entry->asked, 1);
  struct handoff_message message = {.kind = kind, .number = index, .job = id, .value = value};
  int64_t end = sys_now_ms() + ANSWER_WAIT_MS;
  if (handoff_send(session->environment->control, &message) != 0) {
    return;
  }
  for (uint32_t answered; (int32_t)((answered = entry->answered) - asked) < 0 && sys_now_ms() < end;) {
    struct timespec limit = {0, 100000000};
    if (sys_call4(SYS_futex, &entry->answered, FUTEX_WAIT, answered, &limit) == -ENOSYS) {
      sys_sleep_ms(1);
    }
  }
}

void job_ask(struct session *session, const struct job *job, enum handoff_kind kind) {
  job_table_ask(session, (uint32_t)(job - session->jobs), job->id, kind, 0);
}

void job_signal(struct session *session, const struct job *job, uint32_t signal) {
  job_table_ask(session, (uint32_t)(job - session->jobs), job->id, HANDOFF_JOB_SIGNAL, signal);
}

/* ---- claiming ------------------------------------------------------------------------------- */

static struct job *job_claim_free(struct session *session, uint32_t id) {
  for (uint32_t i = 0; i < PV_MAX_JOBS; i++) {
    uint32_t expected = 0;
    struct job_entry *entry = &session->environment->table->jobs[i];
    /* Other processes search for a free entry at the same time. */
    if (atomic_compare_exchange_strong(&entry->id, &expected, id)) {
      entry->owner = session->number;
      job_forget(&session->jobs[i]); /* an earlier job of ours that has made room */
      session->jobs[i] = (struct job){.id = id, .files = {-1, -1}, .streams = {-1, -1, -1}};
      return &session->jobs[i];
    }
  }
  return NULL;
}

/* Finds the oldest result of any process that has been read. Returns false if there is none. */
static bool job_find_oldest_read(const struct process_table *table, uint32_t *index, uint32_t *id) {
  *id = 0;
  for (uint32_t i = 0; i < PV_MAX_JOBS; i++) {
    uint32_t candidate = table->jobs[i].id;
    if (candidate != 0 && table->jobs[i].read && (*id == 0 || candidate < *id)) {
      *index = i;
      *id = candidate;
    }
  }
  return *id != 0;
}

struct job *job_claim(struct session *session) {
  struct process_table *table = session->environment->table;
  uint32_t id = 1 + atomic_fetch_add(&table->next_job, 1), index, oldest;
  for (uint32_t i = 0; i < PV_MAX_JOBS; i++) {
    if (!job_is_kept(session, &session->jobs[i])) {
      job_forget(&session->jobs[i]);
    }
  }
  struct job *job = job_claim_free(session, id);
  for (int tries = 0; job == NULL && tries < CLAIM_TRIES && job_find_oldest_read(table, &index, &oldest);
       tries++) {
    job_table_ask(session, index, oldest, HANDOFF_JOB_FREE, 0);
    job = job_claim_free(session, id);
  }
  return job;
}
