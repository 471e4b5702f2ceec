/* STATE: what a serving process keeps. Used before a snapshot and by tests. */
#include <sys/resource.h>

#include "descriptor.h"
#include "handlers.h"
#include "job_table.h"
#include "reply.h"
#include "sys.h"

enum { DESCRIPTORS_MAX = 4096 };

static void state_add_jobs(struct session *session) {
  struct connection *connection = &session->connection;
  size_t place = reply_count_place(connection);
  uint32_t count = 0;
  for (uint32_t i = 0; i < PV_MAX_JOBS; i++) {
    const struct job *job = &session->jobs[i];
    if (job_is_kept(session, job)) {
      reply_u32(connection, job->id);
      reply_u32(connection, (uint32_t)job->pid);
      reply_u8(connection, !job_entry(session, job)->ended);
      count++;
    }
  }
  reply_set_count(connection, place, count);
}

static void state_add_workers(struct session *session) {
  struct connection *connection = &session->connection;
  size_t place = reply_count_place(connection);
  uint32_t count = 0;
  for (uint32_t n = 1; n <= PV_MAX_WORKERS; n++) {
    const struct slot *slot = &session->environment->table->slots[n];
    if (slot->state == SLOT_ALIVE) {
      reply_u32(connection, n);
      reply_u32(connection, (uint32_t)slot->pid);
      reply_u8(connection, (uint8_t)slot->kind);
      count++;
    }
  }
  reply_set_count(connection, place, count);
}

static void state_add_descriptors(struct connection *connection) {
  struct rlimit limit = {DESCRIPTORS_MAX, DESCRIPTORS_MAX};
  sys_call4(SYS_prlimit64, 0, RLIMIT_NOFILE, 0, &limit);
  size_t place = reply_count_place(connection);
  uint32_t count = 0;
  for (int fd = 0; fd < DESCRIPTORS_MAX && (rlim_t)fd < limit.rlim_cur; fd++) {
    if (!descriptor_is_hidden(fd) && sys_fcntl(fd, F_GETFD, 0) >= 0) {
      reply_u32(connection, (uint32_t)fd);
      count++;
    }
  }
  reply_set_count(connection, place, count);
}

/* Counts the other serving processes that handle a request now: a snapshot must wait for them. */
static uint32_t state_count_busy(const struct session *session) {
  uint32_t busy = 0;
  for (uint32_t n = 0; n <= PV_MAX_WORKERS; n++) {
    const struct slot *slot = &session->environment->table->slots[n];
    busy += n != session->number && slot->state == SLOT_ALIVE && slot->operation % 2 != 0;
  }
  return busy;
}

void handle_state(struct session *session, const union request *request) {
  (void)request;
  reply_begin(&session->connection, PV_STATE_RESULT);
  reply_u32(&session->connection, state_count_busy(session));
  state_add_jobs(session);
  state_add_workers(session);
  state_add_descriptors(&session->connection);
  reply_send(&session->connection);
}
