/* QUIESCE before a snapshot, RESUME after it. */
#include <linux/random.h>
#include <sys/socket.h> /* older kernel headers need it before linux/vm_sockets.h */

#include <linux/vm_sockets.h>
#include <sys/ioctl.h>

#include "handlers.h"
#include "job_table.h"
#include "reply.h"
#include "sys.h"

#ifndef RNDRESEEDCRNG
#define RNDRESEEDCRNG _IO('R', 0x07)
#endif

void handle_quiesce(struct session *session, const union request *request) {
  (void)request;
  sys_call0(SYS_sync);
  session->slot->quiesced = 1;
  reply_done(&session->connection, 0);
}

/*
 * Without new bytes all VMs of one snapshot draw the same random numbers. Bytes added to the pool reach the
 * generator only when it reseeds, so a reseed follows at once (Linux drivers/char/random.c).
 */
static void snapshot_feed_random_pool(const struct environment *environment, const uint8_t *seed) {
  struct {
    int entropy_bits, size;
    uint8_t bytes[PV_SEED_SIZE];
  } input = {PV_SEED_SIZE * 8, PV_SEED_SIZE, {0}};
  memcpy(input.bytes, seed, PV_SEED_SIZE);
  if (environment->random >= 0 && !environment->is_test) {
    sys_ioctl(environment->random, RNDADDENTROPY, &input);
    sys_ioctl(environment->random, RNDRESEEDCRNG, NULL);
  }
}

static void snapshot_set_clock(const struct environment *environment, uint64_t realtime_ns) {
  struct timespec now = {(time_t)(realtime_ns / 1000000000), (long)(realtime_ns % 1000000000)};
  if (realtime_ns != 0 && !environment->is_test) {
    sys_call2(SYS_clock_settime, CLOCK_REALTIME, &now);
  }
}

/* An accepted connection knows the CID it was made to. */
static uint32_t snapshot_cid(struct session *session) {
  if (session->connection.link) {
    return 0; /* the search for the device takes milliseconds where there is none */
  }
  struct sockaddr_vm address = {0};
  unsigned size = sizeof address;
  if (sys_call3(SYS_getsockname, session->connection.fd, &address, &size) == 0 &&
      address.svm_family == AF_VSOCK) {
    return address.svm_cid;
  }
  return environment_cid(session->environment);
}

void handle_resume(struct session *session, const union request *request) {
  struct connection *connection = &session->connection;
  const struct resume_request *resume = &request->resume;
  session_reset(session);
  snapshot_set_clock(session->environment, resume->realtime_ns);
  snapshot_feed_random_pool(session->environment, resume->seed);
  uint32_t jobs = 0, workers = 0;
  for (uint32_t i = 0; i < PV_MAX_JOBS; i++) {
    jobs += job_is_kept(session, &session->jobs[i]);
  }
  for (uint32_t n = 1; n <= PV_MAX_WORKERS; n++) {
    workers += session->environment->table->slots[n].state == SLOT_ALIVE;
  }
  reply_begin(connection, PV_RESUMED);
  reply_bytes(connection, resume->nonce, PV_NONCE_SIZE);
  reply_u32(connection, snapshot_cid(session));
  reply_u32(connection, jobs);
  reply_u32(connection, workers);
  reply_send(connection);
}
