/* INTERFACE on a host: it changes nothing, because no interface has the address that is asked for. */
#include "harness.h"

static struct bytes interface_payload(uint32_t mtu, uint8_t family, uint8_t prefix, uint32_t count) {
  static const uint8_t address[6] = {0x02, 0xFF, 0xFE, 0xFD, 0xFC, 0x01};
  struct bytes payload = {0};
  put(&payload, address, sizeof address);
  put(&payload, address, sizeof address);
  put_u32(&payload, mtu);
  put_u32(&payload, 0);
  put_u32(&payload, count);
  for (uint32_t i = 0; i < count && i < 64; i++) {
    put_u8(&payload, family);
    put_u8(&payload, prefix);
    put_u8(&payload, 0);
    put_u64(&payload, 0);
    put_u64(&payload, 0);
  }
  put_u32(&payload, 0);
  return payload;
}

static void check_refused(struct peer *peer, struct bytes payload, int error) {
  struct reply reply = peer_call(peer, PV_INTERFACE, &payload);
  CHECK(reply.type == PV_ERROR && (int)get_u32(&reply.payload, 0) == error);
  CHECK(agent_alive(peer));
}

void test_interface(void) {
  for (int link = 0; link < 2; link++) {
    struct agent_under_test agent = agent_start(link);
    check_refused(&agent.main, interface_payload(0, 4, 24, 1), ENODEV);
    check_refused(&agent.main, interface_payload(0, 6, 128, 32), ENODEV);
    check_refused(&agent.main, interface_payload(0, 6, 129, 1), EINVAL);
    check_refused(&agent.main, interface_payload(0, 4, 33, 1), EINVAL);
    check_refused(&agent.main, interface_payload(0, 5, 1, 1), EINVAL);
    check_refused(&agent.main, interface_payload(65536, 4, 24, 1), EINVAL);
    check_refused(&agent.main, interface_payload(0, 4, 24, 33), EINVAL);
    check_refused(&agent.main, interface_payload(0, 4, 24, UINT32_MAX), EINVAL);
    struct bytes cut = interface_payload(0, 4, 24, 2);
    while (cut.length > 0) {
      cut.length--;
      check_refused(&agent.main, cut, EINVAL);
    }
    CHECK(agent_stop(&agent));
  }
}
