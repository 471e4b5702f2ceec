/* Requests for which there is no memory are refused, and the agent goes on. */
#include <sys/resource.h>
#include <sys/syscall.h>

#include "harness.h"

static void limit_memory(struct peer *peer, uint64_t bytes) {
  struct bytes payload = {0};
  put_u32(&payload, SYS_prlimit64);
  put_u32(&payload, 4);
  put_u32(&payload, 1);
  put_u32(&payload, 2);
  put_u32(&payload, 16);
  put_u64(&payload, 0);
  put_u64(&payload, RLIMIT_AS);
  put_u64(&payload, 0);
  put_u64(&payload, 0);
  put_u64(&payload, bytes);
  put_u64(&payload, UINT64_MAX);
  struct reply reply = peer_call(peer, PV_SYSCALL, &payload);
  CHECK(reply.type == PV_SYSCALL_RESULT && result_of(&reply) == 0);
}

void test_memory(void) {
  if (getenv("PROVIUM_SANITIZED") != NULL) {
    return; /* the sanitizers need more address space than any limit */
  }
  for (int link = 0; link < 2; link++) {
    struct agent_under_test agent = agent_start(link);
    limit_memory(&agent.main, 4 << 20);
    struct bytes large = {0};
    for (int i = 0; i < 2000000; i++) {
      put_u32(&large, (uint32_t)i);
    }
    for (int round = 0; round < 3; round++) {
      struct reply reply = peer_call(&agent.main, PV_ECHO, &large);
      CHECK(reply.type == PV_ERROR && get_u32(&reply.payload, 0) == ENOMEM);
      CHECK(agent_alive(&agent.main));
    }
    struct bytes name = text_payload("/dev/zero");
    struct reply reply = peer_call(&agent.main, PV_READ_FILE, &name);
    CHECK(reply.type == PV_ERROR && get_u32(&reply.payload, 0) == ENOMEM);
    struct bytes payload = {0};
    put_u32(&payload, PV_SPAWN_THREAD);
    for (int i = 0; i < 20; i++) {
      reply = peer_call(&agent.main, PV_SPAWN_WORKER, &payload);
    }
    CHECK(reply.type == PV_ERROR && get_u32(&reply.payload, 0) == ENOMEM);
    CHECK(agent_alive(&agent.main));
    limit_memory(&agent.main, UINT64_MAX);
    reply = peer_call(&agent.main, PV_ECHO, &large);
    CHECK(reply.type == PV_DATA && reply.payload.length == large.length);
    free(large.data);
    CHECK(agent_stop(&agent));
  }
}
