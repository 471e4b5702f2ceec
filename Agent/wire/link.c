#include "link.h"

enum link_step link_read(const uint8_t *bytes, size_t length, size_t *position, struct link_frame *frame) {
  size_t at = *position;
  for (;; at++) {
    while (at < length && bytes[at] == 0) {
      at++;
    }
    *position = at;
    if (length - at < PV_LINK_HEADER_SIZE) {
      return LINK_NEED_MORE;
    }
    struct pv_link_header header;
    memcpy(&header, bytes + at, sizeof header);
    if (!pv_link_header_valid(&header)) {
      continue;
    }
    if (length - at - PV_LINK_HEADER_SIZE < header.length) {
      return LINK_NEED_MORE;
    }
    const uint8_t *payload = bytes + at + PV_LINK_HEADER_SIZE;
    if (pv_link_check(payload, header.length) != header.payload_check) {
      continue;
    }
    *frame = (struct link_frame){header.type, header.channel, header.length, payload};
    *position = at + PV_LINK_HEADER_SIZE + header.length;
    return LINK_FRAME;
  }
}
