/* The share process's connection to the host: a virtio-serial port, or vsock. It carries link frames. */
#ifndef PROVIUM_SHARE_LINK_H
#define PROVIUM_SHARE_LINK_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

#include "environment.h"
#include "link.h"

enum { SHARE_LINK_INPUT = 1 << 20 };

struct share_link {
  const struct environment *environment;
  int listener; /* of vsock; -1: the link is a port */
  int host;     /* the port or the accepted connection; -1: none */
  bool is_serial;
  bool has_session; /* the host has sent its HELLO */
  size_t input_start, input_end;
  uint8_t output[PV_LINK_HEADER_SIZE + PV_LINK_MAX_PAYLOAD];
  uint8_t input[SHARE_LINK_INPUT];
};

void share_link_open(struct share_link *link, const struct environment *environment);
/* Accepts a connection of the host in place of the one that there is. */
void share_link_accept(struct share_link *link);
/* Ends the session. A port stays open for the next one. */
void share_link_lose(struct share_link *link);

/* The place for the payload of the next frame that is sent. */
uint8_t *share_link_payload(struct share_link *link);
/* Sends a frame whose payload is in its place. Loses the host if that fails. */
void share_link_send(struct share_link *link, uint8_t type, uint32_t share, uint32_t length);

/* Reads what has come. Loses the host at its end. */
void share_link_read(struct share_link *link);
/* Takes the next frame of what was read; false when there is no whole one. */
bool share_link_next(struct share_link *link, struct link_frame *frame);
/* Waits a moment where a port reports a hang-up, which it does for as long as the host is away. */
void share_link_hang_up(struct share_link *link);

#endif
