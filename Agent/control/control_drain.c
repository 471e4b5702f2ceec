#include "control_drain.h"

#include <sys/epoll.h>

#include "control.h"
#include "descriptor.h"
#include "sys.h"

enum { READ_SIZE = 65536, READS_AT_ONCE = 16 };

void drain_init(struct control *control) {
  for (uint32_t i = 0; i < PV_MAX_JOBS; i++) {
    control->drains[i] = (struct drain){{-1, -1}, {-1, -1}, {0, 0}};
  }
}

/* A job that prints without end must not use up the guest's memory: bytes beyond the limit are dropped. */
static void drain_store(struct job_entry *entry, struct drain *drain, int stream, const uint8_t *bytes,
                        size_t length) {
  size_t room = PV_MAX_JOB_STREAM - drain->sizes[stream];
  size_t kept = length < room ? length : room, done = 0;
  while (done < kept) {
    long put = sys_write(drain->files[stream], bytes + done, kept - done);
    if (put <= 0 && put != -EINTR) {
      break; /* no memory */
    }
    done += put > 0 ? (size_t)put : 0;
  }
  drain->sizes[stream] += (uint32_t)done;
  if (done < length) {
    entry->truncated = 1;
  }
}

static void drain_close_stream(struct control *control, struct drain *drain, int stream) {
  watch_remove(&control->watches, drain->pipes[stream]);
  descriptor_close(drain->files[stream]);
  drain->pipes[stream] = drain->files[stream] = -1;
}

static void drain_read(struct control *control, uint32_t index, int stream) {
  struct drain *drain = &control->drains[index];
  uint8_t bytes[READ_SIZE];
  for (int reads = 0; reads < READS_AT_ONCE && drain->pipes[stream] >= 0; reads++) {
    long got = sys_read(drain->pipes[stream], bytes, sizeof bytes);
    if (got > 0) {
      drain_store(&control->table->jobs[index], drain, stream, bytes, (size_t)got);
    } else if (got == -EAGAIN) {
      break;
    } else if (got != -EINTR) {
      drain_close_stream(control, drain, stream);
    }
  }
}

void drain_add(struct control *control, uint32_t index, const int descriptors[2 * DRAIN_STREAMS]) {
  struct drain *drain = &control->drains[index];
  drain_close(control, index);
  for (int stream = 0; stream < DRAIN_STREAMS; stream++) {
    drain->pipes[stream] = descriptor_hide(descriptors[stream]);
    drain->files[stream] = descriptor_hide(descriptors[DRAIN_STREAMS + stream]);
    drain->sizes[stream] = 0;
    sys_fcntl(drain->pipes[stream], F_SETFL, O_NONBLOCK);
    watch_add(&control->watches, drain->pipes[stream], EPOLLIN, WATCH_DRAIN, index);
  }
}

void drain_ready(struct control *control, uint32_t index) {
  for (int stream = 0; stream < DRAIN_STREAMS; stream++) {
    drain_read(control, index, stream);
  }
}

void drain_close(struct control *control, uint32_t index) {
  for (int stream = 0; stream < DRAIN_STREAMS; stream++) {
    drain_close_stream(control, &control->drains[index], stream);
  }
}
