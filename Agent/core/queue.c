#include "queue.h"

#include <string.h>

enum { QUEUE_KEEP_SIZE = 262144 };

size_t queue_length(const struct queue *queue) { return queue->end - queue->start; }

uint8_t *queue_front(const struct queue *queue) {
  return queue->buffer.data != NULL ? queue->buffer.data + queue->start : NULL;
}

uint8_t *queue_room(struct queue *queue, size_t size) {
  if (queue->start != 0 && queue->end + size > queue->buffer.capacity) {
    memmove(queue->buffer.data, queue_front(queue), queue_length(queue));
    queue->end -= queue->start;
    queue->start = 0;
  }
  return buffer_reserve(&queue->buffer, queue->end + size) == 0 ? queue->buffer.data + queue->end : NULL;
}

bool queue_append(struct queue *queue, const void *bytes, size_t length) {
  uint8_t *room = queue_room(queue, length);
  if (room == NULL) {
    return false;
  }
  if (length != 0) {
    memcpy(room, bytes, length);
  }
  queue->end += length;
  return true;
}

void queue_consume(struct queue *queue, size_t length) {
  queue->start += length;
  if (queue->start == queue->end) {
    queue_clear(queue);
  }
}

void queue_clear(struct queue *queue) {
  queue->start = queue->end = 0;
  buffer_trim(&queue->buffer, QUEUE_KEEP_SIZE);
}
