/* Sessions over a port with bytes of earlier sessions. */
#include "harness.h"

static void send_garbage(struct peer *peer, size_t length) {
  struct bytes garbage = {0};
  for (size_t i = 0; i < length; i++) {
    put_u8(&garbage, (uint8_t)rand());
  }
  peer_send(peer, garbage.data, garbage.length);
  free(garbage.data);
}

/* A frame that ends before its stated length. */
static void send_half_frame(struct peer *peer) {
  struct bytes payload = {0}, frame = {0};
  struct pv_link_header header;
  for (int i = 0; i < 40000; i++) {
    put_u8(&payload, (uint8_t)i);
  }
  pv_link_header_make(&header, PV_LINK_DATA, 0, payload.data, (uint32_t)payload.length);
  put(&frame, &header, sizeof header);
  put(&frame, payload.data, payload.length);
  peer_send(peer, frame.data, (size_t)rand() % frame.length);
  free(payload.data);
  free(frame.data);
}

static void send_half_message(struct peer *peer) {
  uint8_t message[100] = {PV_ECHO, 200, 1};
  peer_send_frame(peer, PV_LINK_DATA, 0, message, sizeof message);
}

static void check_dirty(struct peer *peer) {
  for (int round = 0; round < 40; round++) {
    switch (round % 4) {
    case 0: send_garbage(peer, (size_t)rand() % 100000); break;
    case 1: send_half_frame(peer); break;
    case 2: send_half_message(peer); break;
    case 3:
      send_half_message(peer);
      send_half_frame(peer);
      break;
    }
    CHECK(peer_hello(peer));
    CHECK(peer_receive(peer).type == PV_READY);
  }
}

/* Frames with another channel, an unknown type or a wrong checksum are ignored. */
static void check_ignored(struct peer *peer) {
  uint8_t message[] = {PV_ECHO, 1, 0, 0, 0, 'x'};
  struct pv_link_header header;
  peer_send_frame(peer, PV_LINK_DATA, 9, message, sizeof message);
  peer_send_frame(peer, PV_LINK_HELLO, 0, message, sizeof message); /* no nonce */
  peer_send_frame(peer, PV_LINK_HELLO_ACK, 0, message, sizeof message);
  pv_link_header_make(&header, PV_LINK_DATA, 0, message, sizeof message);
  header.header_check ^= 1;
  peer_send(peer, &header, sizeof header);
  peer_send(peer, message, sizeof message);
  CHECK(agent_alive(peer));
}

/* A HELLO during a command: the command is ended and its reply is not sent. */
static void check_hello_during_exec(struct peer *peer) {
  struct bytes payload = exec_payload("sleep 100", 0, 0);
  long start = now_ms();
  peer_request(peer, PV_EXEC_FULL, &payload);
  usleep(20000);
  CHECK(peer_hello(peer));
  CHECK(peer_receive(peer).type == PV_READY);
  CHECK(agent_alive(peer) && now_ms() - start < 2000);
}

static void check_byte_by_byte(struct peer *peer) {
  uint8_t message[] = {PV_ECHO, 1, 0, 0, 0, 'x'};
  struct pv_link_header header;
  struct bytes frame = {0};
  pv_link_header_make(&header, PV_LINK_DATA, 0, message, sizeof message);
  put(&frame, &header, sizeof header);
  put(&frame, message, sizeof message);
  for (size_t i = 0; i < frame.length; i++) {
    peer_send(peer, frame.data + i, 1);
    usleep(200);
  }
  CHECK(peer_receive(peer).type == PV_DATA);
}

void test_link(void) {
  srand(1);
  struct agent_under_test agent = agent_start(true);
  check_dirty(&agent.main);
  check_dirty(&agent.control);
  check_ignored(&agent.main);
  check_hello_during_exec(&agent.main);
  check_byte_by_byte(&agent.main);
  CHECK(agent_stop(&agent));
}
