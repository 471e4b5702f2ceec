/* The descriptors that control waits for: an epoll instance with a tag for each. */
#ifndef PROVIUM_CONTROL_WATCH_H
#define PROVIUM_CONTROL_WATCH_H

#include <stdint.h>

enum watch_source {
  WATCH_PORT,
  WATCH_LISTENER,
  WATCH_EVENTS,
  WATCH_STREAM,
  WATCH_CANDIDATE,
  WATCH_HANDOFF,
  WATCH_CHANNEL,
  WATCH_DRAIN,
  WATCH_LOG,
};

struct watch_set {
  int epoll;
};

/* Returns 0 or -errno. */
int watch_open(struct watch_set *set);
/* `events` are those of epoll(7). */
void watch_add(struct watch_set *set, int fd, uint32_t events, enum watch_source source, uint32_t index);
void watch_change(struct watch_set *set, int fd, uint32_t events, enum watch_source source, uint32_t index);
/* Also closes the descriptor. Ignores negative values. */
void watch_remove(struct watch_set *set, int fd);

/* Splits the tag of an event. */
enum watch_source watch_source_of(uint64_t tag);
uint32_t watch_index_of(uint64_t tag);

#endif
