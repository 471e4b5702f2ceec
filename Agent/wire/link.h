/*
 * Reads link frames from the bytes of a virtio-serial port. Pure functions: the caller has received the
 * bytes.
 *
 * A port neither reports a quick reconnect of the host nor drops bytes of an earlier session. The reader
 * therefore trusts only checksums: zeros are padding, and anything else that is not a frame is skipped byte
 * by byte.
 */
#ifndef PROVIUM_LINK_H
#define PROVIUM_LINK_H

#include "provium_wire.h"

struct link_frame {
  uint8_t type;
  uint16_t channel;
  uint32_t length;
  const uint8_t *payload; /* points into the bytes that were read */
};

enum link_step { LINK_FRAME, LINK_NEED_MORE };

/*
 * Searches for the next frame in bytes[*position, length). LINK_FRAME: *frame is the frame and *position is
 * after it. LINK_NEED_MORE: everything before *position can be dropped; the bytes from *position on may
 * become a frame.
 */
enum link_step link_read(const uint8_t *bytes, size_t length, size_t *position, struct link_frame *frame);

#endif
