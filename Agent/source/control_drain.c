/* Output of background commands: pipes emptied into files in memory, so that none of them ever waits for a
 * reader. */
#include <string.h>
#include <sys/epoll.h>

#include "control.h"
#include "descriptor.h"
#include "sys.h"

enum { READ_SIZE = 65536, READS_AT_ONCE = 16 };

/* A command that prints for ever must not eat the guest's memory: what cannot be kept is dropped, and that is
 * noted. */
static void store(struct job_entry *entry, struct drain *drain, int stream, const uint8_t *bytes,
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

static void close_stream(struct control *control, struct drain *drain, int stream) {
  control_unwatch(control, drain->pipes[stream]);
  descriptor_close(drain->files[stream]);
  drain->pipes[stream] = drain->files[stream] = -1;
}

/* True when the pipe is empty, or has ended. */
static bool empty(struct control *control, uint32_t index, int stream) {
  struct drain *drain = &control->drains[index];
  uint8_t bytes[READ_SIZE];
  for (int reads = 0; reads < READS_AT_ONCE; reads++) {
    if (drain->pipes[stream] < 0) {
      return true;
    }
    long got = sys_read(drain->pipes[stream], bytes, sizeof bytes);
    if (got > 0) {
      store(&control->shared->jobs[index], drain, stream, bytes, (size_t)got);
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
  drain_close(control, index);
  for (int stream = 0; stream < 2; stream++) {
    drain->pipes[stream] = descriptor_hide(descriptors[stream]);
    drain->files[stream] = descriptor_hide(descriptors[2 + stream]);
    drain->sizes[stream] = 0;
    sys_fcntl(drain->pipes[stream], F_SETFL, O_NONBLOCK);
    control_watch(control, drain->pipes[stream], EPOLLIN, SOURCE_DRAIN, index);
  }
}

void drain_ready(struct control *control, uint32_t index) {
  empty(control, index, 0);
  empty(control, index, 1);
}

void drain_close(struct control *control, uint32_t index) {
  close_stream(control, &control->drains[index], 0);
  close_stream(control, &control->drains[index], 1);
}
