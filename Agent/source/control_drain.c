/* Output of background commands: pipes emptied into files in memory, so that none of them ever waits for a reader. */
#include <linux/futex.h>
#include <string.h>
#include <sys/epoll.h>

#include "control.h"
#include "descriptor.h"
#include "sys.h"

enum { READ_SIZE = 65536, READS_AT_ONCE = 16 };

/* A command that prints for ever must not eat the guest's memory: beyond this its output is dropped, and says so. */
static const uint64_t size_limit = 64u << 20;
static const char limit_note[] = "\n[provium: output beyond 64 MiB dropped]\n";

static void store(struct drain *drain, int stream, const uint8_t *bytes, size_t length) {
  uint64_t size = drain->sizes[stream];
  drain->sizes[stream] = size + length;
  if (size >= size_limit) {
    return;
  }
  for (size_t done = 0; done < length;) {
    long put = sys_write(drain->files[stream], bytes + done, length - done);
    if (put <= 0 && put != -EINTR) {
      return;
    }
    done += put > 0 ? (size_t)put : 0;
  }
  if (size + length >= size_limit) {
    sys_write(drain->files[stream], limit_note, sizeof limit_note - 1);
  }
}

static void close_stream(struct control *control, struct drain *drain, int stream) {
  control_unwatch(control, drain->pipes[stream]);
  descriptor_close(drain->files[stream]);
  drain->pipes[stream] = drain->files[stream] = -1;
}

/* True when the pipe is empty, or has ended. */
static bool empty(struct control *control, struct drain *drain, int stream) {
  uint8_t bytes[READ_SIZE];
  for (int reads = 0; reads < READS_AT_ONCE; reads++) {
    if (drain->pipes[stream] < 0) {
      return true;
    }
    long got = sys_read(drain->pipes[stream], bytes, sizeof bytes);
    if (got > 0) {
      store(drain, stream, bytes, (size_t)got);
    } else if (got == -EAGAIN) {
      return true;
    } else if (got != -EINTR) {
      close_stream(control, drain, stream);
    }
  }
  return false;
}

void drain_add(struct control *control, uint32_t index, const int descriptors[4]) {
  struct drain *drain = &control->drains[index];
  for (int stream = 0; stream < 2; stream++) {
    close_stream(control, drain, stream); /* an older job's, whose pipe somebody still holds */
    drain->pipes[stream] = descriptor_hide(descriptors[stream]);
    drain->files[stream] = descriptor_hide(descriptors[2 + stream]);
    drain->sizes[stream] = 0;
    sys_fcntl(drain->pipes[stream], F_SETFL, O_NONBLOCK);
    control_watch(control, drain->pipes[stream], EPOLLIN, SOURCE_DRAIN, index);
  }
}

void drain_ready(struct control *control, uint32_t index) {
  empty(control, &control->drains[index], 0);
  empty(control, &control->drains[index], 1);
}

void drain_flush(struct control *control, uint32_t index) {
  struct job_entry *entry = &control->shared->jobs[index];
  uint32_t asked = entry->flush_asked;
  drain_ready(control, index);
  entry->flush_done = asked;
  sys_call3(SYS_futex, &entry->flush_done, FUTEX_WAKE, INT32_MAX);
}

void drain_end_jobs(struct control *control, uint32_t owner) {
  for (uint32_t i = 0; i < SHARED_MAX_JOBS; i++) {
    struct job_entry *entry = &control->shared->jobs[i];
    if (entry->id == 0 || entry->owner != owner) {
      continue;
    }
    if (!entry->reaped) {
      sys_kill(-entry->pid, SIGKILL);
    }
    close_stream(control, &control->drains[i], 0);
    close_stream(control, &control->drains[i], 1);
    entry->id = 0;
  }
}
