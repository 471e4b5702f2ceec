/* A queue of bytes: buffer.data[start, end). */
#ifndef PROVIUM_QUEUE_H
#define PROVIUM_QUEUE_H

#include "buffer.h"

struct queue {
  struct buffer buffer;
  size_t start, end;
};

size_t queue_length(const struct queue *queue);
/* The first byte that has not been consumed. */
uint8_t *queue_front(const struct queue *queue);
/* Makes room for `size` bytes after the end and returns it; NULL without memory. Moves the bytes of the
 * queue. */
uint8_t *queue_room(struct queue *queue, size_t size);
/* Copies bytes to the end. False without memory. */
bool queue_append(struct queue *queue, const void *bytes, size_t length);
/* Removes bytes from the front. Gives large memory back when the queue becomes empty. */
void queue_consume(struct queue *queue, size_t length);
/* Removes everything and gives large memory back. */
void queue_clear(struct queue *queue);

#endif
