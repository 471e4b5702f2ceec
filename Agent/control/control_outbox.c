#include "control_outbox.h"

#include "sys.h"

enum { OUTBOX_LIMIT = 1 << 20 };

void outbox_open(struct outbox *outbox, int fd, bool link) {
  queue_clear(&outbox->queue);
  outbox->fd = fd;
  outbox->link = link;
  outbox->greeted = false;
}

void outbox_close(struct outbox *outbox) {
  queue_clear(&outbox->queue);
  outbox->fd = -1;
  outbox->link = false;
}

bool outbox_is_full(const struct outbox *outbox) { return queue_length(&outbox->queue) > OUTBOX_LIMIT; }

void outbox_flush(struct outbox *outbox) {
  struct queue *queue = &outbox->queue;
  while (queue_length(queue) != 0 && outbox->fd >= 0) {
    long put = sys_write(outbox->fd, queue_front(queue), queue_length(queue));
    if (put > 0) {
      outbox->greeted = true;
      queue_consume(queue, (size_t)put);
    } else if (put != -EINTR) {
      break; /* the rest later; reading notices the end of the connection */
    }
  }
}

/* ---- frames --------------------------------------------------------------------------------- */

uint8_t *outbox_frame_room(struct outbox *outbox, size_t size) {
  uint8_t *room = queue_room(&outbox->queue, PV_LINK_HEADER_SIZE + size);
  return room != NULL ? room + PV_LINK_HEADER_SIZE : NULL;
}

void outbox_end_frame(struct outbox *outbox, uint8_t type, uint32_t channel, uint32_t length) {
  uint8_t *room = queue_room(&outbox->queue, PV_LINK_HEADER_SIZE + length);
  struct pv_link_header header;
  if (room == NULL) {
    return;
  }
  pv_link_header_make(&header, type, (uint16_t)channel, room + PV_LINK_HEADER_SIZE, length);
  memcpy(room, &header, sizeof header);
  outbox->queue.end += PV_LINK_HEADER_SIZE + length;
}

/* ---- messages ------------------------------------------------------------------------------- */

void outbox_send(struct outbox *outbox, uint8_t type, const void *payload, uint32_t length) {
  if (outbox->fd < 0) {
    return;
  }
  uint32_t size = PV_MESSAGE_HEADER_SIZE + length;
  uint8_t *room = outbox->link ? outbox_frame_room(outbox, size) : queue_room(&outbox->queue, size);
  if (room == NULL) {
    return;
  }
  message_write_header(room, type, length);
  if (length != 0) {
    memcpy(room + PV_MESSAGE_HEADER_SIZE, payload, length);
  }
  if (outbox->link) {
    outbox_end_frame(outbox, PV_LINK_DATA, 0, size);
  } else {
    outbox->queue.end += size;
  }
}

void outbox_send_error(struct outbox *outbox, int number, const char *text) {
  uint8_t payload[ERROR_MAX];
  outbox_send(outbox, PV_ERROR, payload, error_write(payload, number, text));
}

void outbox_send_done(struct outbox *outbox) {
  int64_t value = 0;
  outbox_send(outbox, PV_DONE, &value, sizeof value);
}

void outbox_send_ready(struct outbox *outbox, const struct process_table *table) {
  uint8_t payload[READY_SIZE];
  ready_write(payload, table);
  outbox_send(outbox, PV_READY, payload, sizeof payload);
}
