#include "control_watch.h"

#include <sys/epoll.h>

#include "descriptor.h"
#include "sys.h"

int watch_open(struct watch_set *set) {
  set->epoll = descriptor_hide((int)sys_call1(SYS_epoll_create1, EPOLL_CLOEXEC));
  return set->epoll < 0 ? set->epoll : 0;
}

static void watch_set_event(struct watch_set *set, int operation, int fd, uint32_t events, uint64_t tag) {
  struct epoll_event event = {.events = events, .data.u64 = tag};
  sys_call4(SYS_epoll_ctl, set->epoll, operation, fd, &event);
}

static uint64_t watch_tag(enum watch_source source, uint32_t index) { return (uint64_t)source << 32 | index; }

enum watch_source watch_source_of(uint64_t tag) { return (enum watch_source)(tag >> 32); }

uint32_t watch_index_of(uint64_t tag) { return (uint32_t)tag; }

void watch_add(struct watch_set *set, int fd, uint32_t events, enum watch_source source, uint32_t index) {
  watch_set_event(set, EPOLL_CTL_ADD, fd, events, watch_tag(source, index));
}

void watch_change(struct watch_set *set, int fd, uint32_t events, enum watch_source source, uint32_t index) {
  watch_set_event(set, EPOLL_CTL_MOD, fd, events, watch_tag(source, index));
}

void watch_remove(struct watch_set *set, int fd) {
  if (fd >= 0) {
    /* Before closing: epoll reports an open file for as long as another process has it open. */
    watch_set_event(set, EPOLL_CTL_DEL, fd, 0, 0);
    descriptor_close(fd);
  }
}
