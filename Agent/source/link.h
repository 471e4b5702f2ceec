/*
 * Link frames out of a dirty stream: a pure reader over bytes somebody else has received.
 *
 * A virtio-serial port neither tells of a quick reconnect nor drops the bytes of an old one, so the reader
 * believes nothing but checksums: zeros are padding, and after anything else that is no frame it goes on
 * one byte further within what it has.
 */
#ifndef PROVIUM_LINK_H
#define PROVIUM_LINK_H

#include "provium_wire.h"

struct link_frame {
  uint8_t type;
  uint16_t channel;
  uint32_t length;
  const uint8_t *payload; /* inside the bytes that were read */
};

enum link_step { LINK_FRAME, LINK_NEED_MORE };

/*
 * Looks for the next frame in bytes[*position, length). LINK_FRAME: it is in *frame and *position is behind
 * it. LINK_NEED_MORE: everything before *position can be dropped; what follows may become a frame.
 */
enum link_step link_read(const uint8_t *bytes, size_t length, size_t *position, struct link_frame *frame);

#endif
