/* The bytes that control sends to the host: messages of its own, and frames of workers' connections. */
#ifndef PROVIUM_CONTROL_OUTBOX_H
#define PROVIUM_CONTROL_OUTBOX_H

#include "message.h"
#include "queue.h"

struct outbox {
  int fd;       /* the descriptor of the session; -1: no session */
  bool link;    /* a port, which needs link frames */
  bool greeted; /* something of this session has been written, so the host is connected */
  struct queue queue;
};

/* Starts a session with an empty queue. */
void outbox_open(struct outbox *outbox, int fd, bool link);
/* Drops all bytes. Idempotent. */
void outbox_close(struct outbox *outbox);
/* Writes what the host takes, without blocking. */
void outbox_flush(struct outbox *outbox);
/* Returns true while so many bytes wait for the host that workers must wait too. */
bool outbox_is_full(const struct outbox *outbox);

/* Returns room for the payload of a frame, to be completed by outbox_end_frame; NULL without memory. */
uint8_t *outbox_frame_room(struct outbox *outbox, size_t size);
void outbox_end_frame(struct outbox *outbox, uint8_t type, uint32_t channel, uint32_t length);

/* Queues a message of control, which fits one frame. Does nothing without a session. */
void outbox_send(struct outbox *outbox, uint8_t type, const void *payload, uint32_t length);
void outbox_send_error(struct outbox *outbox, int number, const char *text);
void outbox_send_done(struct outbox *outbox);
void outbox_send_ready(struct outbox *outbox, const struct process_table *table);

#endif
