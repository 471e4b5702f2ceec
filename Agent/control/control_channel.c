#include "control_channel.h"

#include <sys/epoll.h>

#include "control.h"
#include "control_thread.h"
#include "descriptor.h"
#include "handoff.h"
#include "sys.h"

enum { PENDING_LIMIT = (int)PV_MAX_PAYLOAD + 2 * (int)PV_LINK_MAX_PAYLOAD };

void channels_init(struct control *control) {
  for (uint32_t n = 0; n < TARGETS; n++) {
    control->channels.list[n].handing = control->channels.list[n].stream = -1;
  }
}

static void channel_send_close(struct control *control, uint32_t number) {
  if (control->outbox.fd >= 0 && control->outbox.link) {
    outbox_end_frame(&control->outbox, PV_LINK_CLOSE, number, 0);
  }
}

void channel_add(struct control *control, uint32_t number, int handing) {
  channel_remove(control, number);
  control->channels.list[number].handing = descriptor_hide(handing);
}

/* Passes one end of a new socket to the worker. Returns the other end or -errno. */
static int channel_connect(const struct channel *channel, uint32_t number) {
  int ends[2];
  long result = channel->handing < 0 ? -ESRCH : sys_socketpair(SOCK_STREAM | SOCK_CLOEXEC, ends);
  if (result < 0) {
    return (int)result;
  }
  struct handoff_message message = {
      .kind = HANDOFF_CONNECTION, .number = number, .count = 1, .descriptors = {ends[1]}};
  int error = handoff_send(channel->handing, &message);
  sys_close(ends[1]);
  if (error != 0) {
    sys_close(ends[0]);
    return error;
  }
  return ends[0];
}

void channel_open(struct control *control, uint32_t number) {
  struct channel *channel = &control->channels.list[number];
  channel_close(control, number, false);
  int stream = channel_connect(channel, number);
  if (stream < 0) {
    channel_send_close(control, number);
    return;
  }
  channel->stream = descriptor_hide(stream);
  channel->waits = false;
  sys_fcntl(channel->stream, F_SETFL, O_NONBLOCK);
  uint32_t events = control->channels.paused ? 0 : EPOLLIN;
  watch_add(&control->watches, channel->stream, events, WATCH_CHANNEL, number);
}

static void channel_update_watch(struct control *control, uint32_t number) {
  struct channel *channel = &control->channels.list[number];
  uint32_t events = (control->channels.paused ? 0 : EPOLLIN) | (channel->waits ? EPOLLOUT : 0);
  if (channel->stream >= 0) {
    watch_change(&control->watches, channel->stream, events, WATCH_CHANNEL, number);
  }
}

/* Sends what the worker takes. The rest waits, without delaying other workers. */
static void channel_push(struct control *control, uint32_t number) {
  struct channel *channel = &control->channels.list[number];
  long put = 1;
  while (put > 0 && queue_length(&channel->out) != 0) {
    put = sys_call6(SYS_sendto, channel->stream, (long)queue_front(&channel->out),
                    (long)queue_length(&channel->out), MSG_NOSIGNAL, 0, 0);
    queue_consume(&channel->out, put > 0 ? (size_t)put : 0);
  }
  bool waits = queue_length(&channel->out) != 0;
  if (waits != channel->waits) {
    channel->waits = waits;
    channel_update_watch(control, number);
  }
}

void channel_receive(struct control *control, uint32_t number, const uint8_t *bytes, size_t length) {
  struct channel *channel = &control->channels.list[number];
  if (channel->stream < 0) {
    return;
  }
  /* The host has sent more than one request at a time, or there is no memory: only this connection ends. */
  if (queue_length(&channel->out) > PENDING_LIMIT || !queue_append(&channel->out, bytes, length)) {
    channel_close(control, number, true);
    return;
  }
  channel_push(control, number);
}

/* Reads once from the worker, directly into a frame. Returns the result of read(2). */
static long channel_pull(struct control *control, uint32_t number) {
  uint8_t *room = outbox_frame_room(&control->outbox, PV_LINK_MAX_PAYLOAD);
  int stream = control->channels.list[number].stream;
  long got = room != NULL ? sys_read(stream, room, PV_LINK_MAX_PAYLOAD) : -EAGAIN;
  if (got > 0) {
    outbox_end_frame(&control->outbox, PV_LINK_DATA, number, (uint32_t)got);
    outbox_flush(&control->outbox);
  }
  return got;
}

static void channels_set_paused(struct control *control, bool paused) {
  control->channels.paused = paused;
  for (uint32_t n = 1; n < TARGETS; n++) {
    channel_update_watch(control, n);
  }
}

void channel_ready(struct control *control, uint32_t number, uint32_t events) {
  if (control->channels.list[number].stream < 0) {
    return; /* an earlier event of the same round has closed it */
  }
  if ((events & EPOLLOUT) != 0) {
    channel_push(control, number);
  }
  if ((events & (EPOLLIN | EPOLLHUP | EPOLLERR)) == 0) {
    return;
  }
  long got = channel_pull(control, number);
  if (got == 0 || (got < 0 && got != -EAGAIN && got != -EINTR)) {
    channel_close(control, number, true);
  } else if (outbox_is_full(&control->outbox) && !control->channels.paused) {
    channels_set_paused(control, true);
  }
}

void channels_resume(struct control *control) {
  if (control->channels.paused && !outbox_is_full(&control->outbox)) {
    channels_set_paused(control, false);
  }
}

void channels_abandon(struct control *control) {
  for (uint32_t n = 1; n < TARGETS; n++) {
    const struct slot *slot = &control->table->slots[n];
    const struct channel *channel = &control->channels.list[n];
    bool is_alive = slot->state != SLOT_FREE && slot->pid > 0;
    if (channel->handing < 0 || channel->stream >= 0 || slot->quiesced || !is_alive) {
      continue;
    }
    if (thread_is(control, n)) {
      thread_end(control, n);
    } else {
      sys_kill(slot->pid, SIGKILL);
    }
  }
}

void channel_close(struct control *control, uint32_t number, bool tell_host) {
  struct channel *channel = &control->channels.list[number];
  if (channel->stream < 0) {
    return;
  }
  watch_remove(&control->watches, channel->stream);
  channel->stream = -1;
  queue_clear(&channel->out);
  if (tell_host) {
    channel_send_close(control, number);
  } else if (!control->table->slots[number].quiesced && !control->peer.quiesced) {
    interrupt_begin(control, number, 0, INTERRUPT_CALL | INTERRUPT_COMMAND | INTERRUPT_HOST_LOST);
  }
}

/* A worker in the main agent's memory leaves its end of the socket open, so the socket does not report its
 * end. */
void channel_remove(struct control *control, uint32_t number) {
  struct channel *channel = &control->channels.list[number];
  while (channel->stream >= 0 && channel_pull(control, number) > 0) {
  }
  channel_close(control, number, true);
  descriptor_close(channel->handing);
  channel->handing = -1;
}
