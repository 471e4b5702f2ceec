/*
 * Workers' connections over the port: link channel n and a local socket whose other end worker n reads. A
 * worker is handed a fresh socket for every connection, so that it sees a beginning and an end as on vsock.
 */
#include <string.h>
#include <sys/epoll.h>

#include "control.h"
#include "descriptor.h"
#include "internal.h"
#include "sys.h"

enum { PENDING_LIMIT = (int)PV_MAX_PAYLOAD + 2 * (int)PV_LINK_MAX_PAYLOAD };

static void send_close(struct control *control, uint32_t number) {
  if (control->host.active >= 0 && control->host.active == control->host.port) {
    host_frame_end(control, PV_LINK_CLOSE, number, 0);
  }
}

void channel_add(struct control *control, uint32_t number, int handing) {
  channel_remove(control, number);
  control->channels[number].handing = descriptor_hide(handing);
}

void channel_open(struct control *control, uint32_t number) {
  struct channel *channel = &control->channels[number];
  int ends[2];
  control_take_internal(control); /* the worker may be newer than what we have heard of */
  channel_close(control, number, false);
  if (channel->handing < 0 || sys_socketpair(SOCK_STREAM | SOCK_CLOEXEC, ends) < 0) {
    send_close(control, number);
    return;
  }
  struct internal_message message = {
      .kind = INTERNAL_CONNECTION, .number = number, .count = 1, .descriptors = {ends[1]}};
  int error = internal_send(channel->handing, &message);
  sys_close(ends[1]);
  if (error != 0) {
    sys_close(ends[0]);
    send_close(control, number);
    return;
  }
  channel->stream = descriptor_hide(ends[0]);
  channel->waits = false;
  sys_fcntl(channel->stream, F_SETFL, O_NONBLOCK);
  control_watch(control, channel->stream, control->channels_paused ? 0 : EPOLLIN, SOURCE_CHANNEL, number);
}

static void rewatch(struct control *control, uint32_t number) {
  struct channel *channel = &control->channels[number];
  uint32_t events = (control->channels_paused ? 0 : EPOLLIN) | (channel->waits ? EPOLLOUT : 0);
  if (channel->stream >= 0) {
    control_rewatch(control, channel->stream, events, SOURCE_CHANNEL, number);
  }
}

/* Sends on what the worker takes; what it does not take waits for it, and for nobody else. */
static void push(struct control *control, uint32_t number) {
  struct channel *channel = &control->channels[number];
  long put = 1;
  while (put > 0 && queue_length(&channel->out) != 0) {
    put = sys_call6(SYS_sendto, channel->stream, (long)(channel->out.buffer.data + channel->out.start),
                    (long)queue_length(&channel->out), MSG_NOSIGNAL, 0, 0);
    queue_consume(&channel->out, put > 0 ? (size_t)put : 0);
  }
  bool waits = queue_length(&channel->out) != 0;
  if (waits != channel->waits) {
    channel->waits = waits;
    rewatch(control, number);
  }
}

void channel_receive(struct control *control, uint32_t number, const uint8_t *bytes, size_t length) {
  struct channel *channel = &control->channels[number];
  if (channel->stream < 0) {
    return;
  }
  if (queue_length(&channel->out) > PENDING_LIMIT || !queue_append(&channel->out, bytes, length)) {
    channel_close(control, number,
                  true); /* more than one request at a time, or no memory: this worker's loss */
    return;
  }
  push(control, number);
}

/* One read from the worker, straight into a frame; what read(2) said. */
static long pull(struct control *control, uint32_t number) {
  uint8_t *room = host_frame_room(control, PV_LINK_MAX_PAYLOAD);
  long got = room != NULL ? sys_read(control->channels[number].stream, room, PV_LINK_MAX_PAYLOAD) : -EAGAIN;
  if (got > 0) {
    host_frame_end(control, PV_LINK_DATA, number, (uint32_t)got);
    host_flush(control);
  }
  return got;
}

void channel_ready(struct control *control, uint32_t number, uint32_t events) {
  struct channel *channel = &control->channels[number];
  if (channel->stream < 0) {
    return; /* closed by an earlier event of the same round */
  }
  if ((events & EPOLLOUT) != 0) {
    push(control, number);
  }
  if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) == 0) {
    return;
  }
  long got = pull(control, number);
  if (got == 0 || (got < 0 && got != -EAGAIN && got != -EINTR)) {
    channel_close(control, number, true);
  } else if (host_is_full(control) && !control->channels_paused) {
    control->channels_paused = true;
    for (uint32_t n = 1; n < TARGETS; n++) {
      rewatch(control, n);
    }
  }
}

void channels_resume(struct control *control) {
  if (control->channels_paused && !host_is_full(control)) {
    control->channels_paused = false;
    for (uint32_t n = 1; n < TARGETS; n++) {
      rewatch(control, n);
    }
  }
}

void channels_abandon(struct control *control) {
  control_take_internal(control);
  for (uint32_t n = 1; n < TARGETS; n++) {
    const struct slot *slot = &control->shared->slots[n];
    const struct channel *channel = &control->channels[n];
    if (channel->handing >= 0 && channel->stream < 0 && !slot->quiesced && slot->state != SLOT_FREE &&
        slot->pid > 0) {
      sys_kill(slot->pid, SIGKILL);
    }
  }
}

void channel_close(struct control *control, uint32_t number, bool tell_host) {
  struct channel *channel = &control->channels[number];
  if (channel->stream < 0) {
    return;
  }
  control_unwatch(control, channel->stream);
  channel->stream = -1;
  queue_clear(&channel->out);
  if (tell_host) {
    send_close(control, number);
  } else if (!control->shared->slots[number].quiesced && !control->host.quiesced) {
    interrupt_begin(control, number, 0, INTERRUPT_CALL | INTERRUPT_COMMAND | INTERRUPT_HOST_LOST);
  }
}

/* The worker is gone. A thread-mode worker's end stays open in the main agent: no end of file would come. */
void channel_remove(struct control *control, uint32_t number) {
  struct channel *channel = &control->channels[number];
  while (channel->stream >= 0 && pull(control, number) > 0) {
  }
  channel_close(control, number, true);
  descriptor_close(channel->handing);
  channel->handing = -1;
}
