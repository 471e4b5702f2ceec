/* Before a snapshot and after it: QUIESCE and RESUME. */
#include <linux/random.h>
#include <sys/socket.h> /* which older kernel headers need before the next */

#include <linux/vm_sockets.h>
#include <sys/ioctl.h>

#include "agent.h"
#include "job.h"
#include "sys.h"

#ifndef RNDRESEEDCRNG
#define RNDRESEEDCRNG _IO('R', 0x07)
#endif

void handle_quiesce(struct agent *agent, struct span payload) {
  if (decode_nothing(payload) != 0) {
    reply_error(&agent->connection, EINVAL, "the request has no payload");
    return;
  }
  sys_call0(SYS_sync);
  agent->slot->quiesced = 1;
  reply_done(&agent->connection, 0);
}

/*
 * All VMs that come from one snapshot would draw the same numbers. Adding to the pool alone reaches the
 * generator only at its next reseeding, so that is asked for at once (see Linux drivers/char/random.c).
 */
static void feed_random_pool(const struct guest *guest, const uint8_t *seed) {
  struct {
    int entropy_bits, size;
    uint8_t bytes[PV_SEED_SIZE];
  } input = {PV_SEED_SIZE * 8, PV_SEED_SIZE, {0}};
  memcpy(input.bytes, seed, PV_SEED_SIZE);
  if (guest->random >= 0 && !guest->is_test) {
    sys_ioctl(guest->random, RNDADDENTROPY, &input);
    sys_ioctl(guest->random, RNDRESEEDCRNG, NULL);
  }
}

static void set_clock(const struct guest *guest, uint64_t realtime_ns) {
  struct timespec now = {(time_t)(realtime_ns / 1000000000), (long)(realtime_ns % 1000000000)};
  if (realtime_ns != 0 && !guest->is_test) {
    sys_call2(SYS_clock_settime, CLOCK_REALTIME, &now);
  }
}

/* An accepted connection knows which CID it was made to. */
static uint32_t local_cid(struct agent *agent) {
  if (agent->connection.link) {
    return 0; /* looking for the device costs milliseconds where there is none */
  }
  struct sockaddr_vm address = {0};
  unsigned size = sizeof address;
  if (sys_call3(SYS_getsockname, agent->connection.fd, &address, &size) == 0 &&
      address.svm_family == AF_VSOCK) {
    return address.svm_cid;
  }
  return guest_cid(agent->guest);
}

void handle_resume(struct agent *agent, struct span payload) {
  struct connection *connection = &agent->connection;
  struct resume_request request;
  if (decode_resume(payload, &request) != 0) {
    reply_error(connection, EINVAL, "malformed resume request");
    return;
  }
  agent_drop_session(agent);
  set_clock(agent->guest, request.realtime_ns);
  feed_random_pool(agent->guest, request.seed);
  uint32_t jobs = 0, workers = 0;
  for (uint32_t i = 0; i < PV_MAX_JOBS; i++) {
    jobs += job_is_kept(agent, &agent->jobs[i]);
  }
  for (uint32_t n = 1; n <= PV_MAX_WORKERS; n++) {
    workers += agent->guest->shared->slots[n].state == SLOT_ALIVE;
  }
  reply_begin(connection, PV_RESUMED);
  reply_bytes(connection, request.nonce, PV_NONCE_SIZE);
  reply_u32(connection, local_cid(agent));
  reply_u32(connection, jobs);
  reply_u32(connection, workers);
  reply_send(connection);
}
