/*
 * Memory of the host that the guest reads as the memory of a PCI device (ivshmem). Long replies of a share
 * come through it: a virtio-serial port takes them in pieces of one page, each with a notification of the
 * host.
 */
#ifndef PROVIUM_SHARE_WINDOW_H
#define PROVIUM_SHARE_WINDOW_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "link.h"

struct share_window {
  const uint8_t *memory; /* NULL: there is none */
  size_t size;
  uint32_t taken; /* bytes that the host was not told of */
};

/* Maps the window of the device, if the machine has one. */
void share_window_open(struct share_window *window, int private);

/* Returns the size if each page begins with the host's mark, so that both sides see the same memory; else 0.
 */
uint32_t share_window_check(const struct share_window *window, const uint8_t mark[PV_WINDOW_MARK_SIZE]);

/*
 * Copies the reply of a PLACED frame: a header of FUSE, and data from the window. Returns its length; 0 for a
 * frame that does not fit.
 */
size_t share_window_take(struct share_window *window, const struct link_frame *frame, uint8_t *reply,
                         size_t size);

#endif
