/* Valid and invalid messages on a stream. */
#include "harness.h"

/* A message that arrives byte by byte. */
static void check_byte_by_byte(struct peer *peer) {
  uint8_t message[] = {PV_ECHO, 3, 0, 0, 0, 'a', 'b', 'c'};
  for (size_t i = 0; i < sizeof message; i++) {
    peer_send(peer, message + i, 1);
    usleep(200);
  }
  struct reply reply = peer_receive(peer);
  CHECK(reply.type == PV_DATA && reply.payload.length == 3 && memcmp(reply.payload.data, "abc", 3) == 0);
}

static void check_unknown_types(struct peer *peer) {
  static const uint8_t types[] = {0x00, 0x1B, 0x1F, PV_INTERRUPT, PV_KILL_WORKER, 0x7F, PV_READY, 0xFF};
  struct bytes payload = text_payload("whatever");
  for (size_t i = 0; i < sizeof types; i++) {
    struct reply reply = peer_call(peer, types[i], &payload);
    CHECK(reply.type == PV_ERROR && get_u32(&reply.payload, 0) == EOPNOTSUPP);
  }
}

/* Every request with an invalid payload is refused, and the next request works. */
static void check_malformed(struct peer *peer) {
  static const uint8_t types[] = {PV_WRITE_FILE, PV_READ_FILE,   PV_SYSCALL,      PV_IOCTL,       PV_JOB_WAIT,
                                  PV_JOB_KILL,   PV_IOCTL_BUF,   PV_SPAWN_WORKER, PV_SYSCALL_PTR, PV_RESUME,
                                  PV_EXEC_FULL,  PV_WRITE_PIECE, PV_READ_STREAM,  PV_MOUNT,       PV_STAT,
                                  PV_LIST,       PV_JOB_COLLECT};
  for (size_t i = 0; i < sizeof types; i++) {
    struct reply reply = peer_call(peer, types[i], NULL);
    CHECK(reply.type == PV_ERROR && get_u32(&reply.payload, 0) == EINVAL);
    struct bytes bad = {0};
    for (int j = 0; j < 9; j++) {
      put_u8(&bad, 0);
    }
    put_u32(&bad, UINT32_MAX);
    reply = peer_call(peer, types[i], &bad);
    CHECK(reply.type == PV_ERROR || types[i] == PV_IOCTL); /* any bytes are valid data of IOCTL */
  }
  CHECK(agent_alive(peer));
}

static void check_largest(struct peer *peer) {
  struct bytes payload = {0};
  for (uint32_t i = 0; i < PV_MAX_PAYLOAD / 4; i++) {
    put_u32(&payload, i * 2654435761u);
  }
  struct reply reply = peer_call(peer, PV_ECHO, &payload);
  CHECK(reply.type == PV_DATA && reply.payload.length == PV_MAX_PAYLOAD);
  CHECK(reply.payload.length == PV_MAX_PAYLOAD &&
        memcmp(reply.payload.data, payload.data, PV_MAX_PAYLOAD) == 0);
  free(payload.data);
  free(reply.payload.data);
}

/* A length above the limit is refused, and the connection is closed because the next message's start is
 * unknown. */
static void check_too_large(bool link) {
  struct agent_under_test agent = agent_start(link);
  uint8_t header[5] = {PV_ECHO};
  uint32_t length = PV_MAX_PAYLOAD + 1;
  memcpy(header + 1, &length, 4);
  if (link) {
    peer_send_frame(&agent.main, PV_LINK_DATA, 0, header, sizeof header);
  } else {
    peer_send(&agent.main, header, sizeof header);
  }
  struct reply reply = peer_receive(&agent.main);
  CHECK(reply.type == PV_ERROR && get_u32(&reply.payload, 0) == EMSGSIZE);
  if (!link) {
    CHECK(peer_receive(&agent.main).type == -1);
  }
  CHECK(agent_stop(&agent));
}

/* The stream ends at every position inside a message. */
static void check_truncated(void) {
  uint8_t message[] = {PV_ECHO, 3, 0, 0, 0, 'a', 'b'};
  for (size_t length = 0; length <= sizeof message; length++) {
    struct agent_under_test agent = agent_start(false);
    peer_send(&agent.main, message, length);
    CHECK(agent_stop(&agent));
  }
}

void test_frames(void) {
  struct agent_under_test agent = agent_start(false);
  check_byte_by_byte(&agent.main);
  check_unknown_types(&agent.main);
  check_malformed(&agent.main);
  check_largest(&agent.main);
  CHECK(agent_alive(&agent.main));
  CHECK(agent_stop(&agent));
  check_too_large(false);
  check_too_large(true);
  check_truncated();
}
