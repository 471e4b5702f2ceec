#include "control_peer.h"

#include <sys/epoll.h>

#include "control.h"
#include "control_inbox.h"
#include "control_request.h"
#include "descriptor.h"
#include "link.h"
#include "listener.h"
#include "port.h"
#include "sys.h"

enum {
  READ_SIZE = 65536,
  REQUEST_LIMIT = (int)PV_MAX_PAYLOAD + 2 * READ_SIZE,
};

void peer_init(struct control *control) {
  control->peer = (struct peer){.port = -1, .listener = -1, .events = -1, .stream = -1};
  for (uint32_t i = 0; i < CANDIDATES; i++) {
    control->peer.candidates[i].fd = -1;
  }
}

void peer_send_gone(struct control *control, uint32_t target, int pid, int status) {
  int32_t payload[3] = {(int32_t)target, pid, status};
  outbox_send(&control->outbox, PV_GONE, payload, sizeof payload);
}

/* ---- sessions ------------------------------------------------------------------------------- */

/*
 * The host is lost: blocked requests end, running commands are killed, the connections of workers are closed.
 * After QUIESCE the session ends because of a snapshot, and everything stays as it is.
 */
static void peer_end_session(struct control *control) {
  struct peer *peer = &control->peer;
  if (control->outbox.fd < 0) {
    return;
  }
  outbox_close(&control->outbox);
  inbox_take(control); /* a new worker must be known before workers without a connection are ended */
  if (!peer->quiesced) {
    interrupt_all(control);
    channels_abandon(control);
  }
  peer->quiesced = false;
  log_stop(control);
  for (uint32_t n = 1; n < TARGETS; n++) {
    channel_close(control, n, false);
    control->kill_awaited[n] = false;
  }
  watch_remove(&control->watches, peer->stream);
  peer->stream = -1;
  queue_clear(&peer->in);
}

static void peer_begin_session(struct control *control) {
  outbox_send_ready(&control->outbox, control->table);
  if (control->main_gone) {
    peer_send_gone(control, 0, control->table->slots[0].pid, control->main_status);
  }
}

static void peer_take_hello(struct control *control, const struct link_frame *frame) {
  uint8_t nonce[PV_NONCE_SIZE];
  if (frame->length != sizeof nonce) {
    return;
  }
  memcpy(nonce, frame->payload, sizeof nonce);
  peer_end_session(control);
  /* Half a frame of the last session may have been written. The host searches for the acknowledgement. */
  outbox_open(&control->outbox, control->peer.port, true);
  queue_clear(&control->peer.in);
  uint8_t *room = outbox_frame_room(&control->outbox, sizeof nonce);
  if (room != NULL) {
    memcpy(room, nonce, sizeof nonce);
    outbox_end_frame(&control->outbox, PV_LINK_HELLO_ACK, 0, sizeof nonce);
  }
  peer_begin_session(control);
}

/* ---- finding the host ----------------------------------------------------------------------- */

static void peer_listen(struct control *control) {
  struct peer *peer = &control->peer;
  peer->listener = listener_open(control->environment, PV_VSOCK_CONTROL_PORT);
  if (peer->listener >= 0) {
    sys_fcntl(peer->listener, F_SETFL, O_NONBLOCK);
    watch_add(&control->watches, peer->listener, EPOLLIN, WATCH_LISTENER, 0);
  }
}

void peer_find(struct control *control) {
  struct peer *peer = &control->peer;
  if (peer->listener < 0) {
    peer_listen(control);
  }
  if (peer->port >= 0 || control->environment->is_test) {
    return;
  }
  peer->port = descriptor_hide(port_open(control->environment->private, PV_PORT_CONTROL, O_NONBLOCK));
  if (peer->port >= 0) {
    watch_add(&control->watches, peer->port, EPOLLIN | EPOLLOUT | EPOLLET, WATCH_PORT, 0);
    watch_remove(&control->watches, peer->events);
    peer->events = -1;
  }
}

bool peer_must_poll(const struct control *control) {
  return control->peer.port < 0 && control->peer.events < 0 && !control->environment->is_test;
}

static void peer_open_given(struct control *control, int given, bool link) {
  sys_fcntl(given, F_SETFL, O_NONBLOCK);
  watch_add(&control->watches, given, EPOLLIN | EPOLLOUT | EPOLLET, link ? WATCH_PORT : WATCH_STREAM, 0);
  if (link) {
    control->peer.port = given;
  } else {
    control->peer.stream = given;
    outbox_open(&control->outbox, given, false);
    peer_begin_session(control);
  }
}

void peer_open(struct control *control, int given, bool given_link) {
  struct peer *peer = &control->peer;
  if (given >= 0) {
    peer_open_given(control, given, given_link);
    return;
  }
  if (!control->environment->is_test) {
    peer->events = descriptor_hide(port_events_open());
    if (peer->events >= 0) {
      watch_add(&control->watches, peer->events, EPOLLIN, WATCH_EVENTS, 0);
    }
  }
  peer_find(control);
}

void peer_events_ready(struct control *control) {
  port_events_drain(control->peer.events);
  peer_find(control);
}

void peer_accept(struct control *control) {
  struct peer *peer = &control->peer;
  uint32_t index = peer->next_candidate++ % CANDIDATES;
  struct candidate *candidate = &peer->candidates[index];
  watch_remove(&control->watches, candidate->fd);
  if (candidate_accept(control->environment, peer->listener, SOCK_NONBLOCK, candidate)) {
    watch_add(&control->watches, candidate->fd, EPOLLIN | EPOLLRDHUP, WATCH_CANDIDATE, index);
    peer_admit(control, index);
  }
}

/*
 * A stream reports its end, so a session over vsock that lives is never replaced: a second connection is
 * closed, and its host connects again. After a resume the transport's reset has ended the session of the
 * snapshot. Reading from it here notices that even if its event comes after the new connection.
 */
void peer_admit(struct control *control, uint32_t index) {
  struct peer *peer = &control->peer;
  struct candidate *candidate = &peer->candidates[index];
  if (candidate->fd < 0 || candidate_read(control->environment, candidate) != ADMISSION_GRANTED) {
    return; /* pending, or closed, which has ended its events */
  }
  int fd = candidate->fd;
  candidate->fd = -1;
  peer_stream_ready(control);
  if (control->outbox.fd >= 0) {
    watch_remove(&control->watches, fd);
    return;
  }
  peer->stream = fd;
  watch_change(&control->watches, fd, EPOLLIN | EPOLLOUT | EPOLLET | EPOLLRDHUP, WATCH_STREAM, 0);
  outbox_open(&control->outbox, fd, false);
  peer_begin_session(control);
}

/* ---- receiving ------------------------------------------------------------------------------ */

/* Handles the complete messages. Returns false when the start of the next message is unknown. */
static bool peer_take_messages(struct control *control) {
  struct queue *in = &control->peer.in;
  struct message message;
  enum message_step step;
  while ((step = message_read(queue_front(in), queue_length(in), &message)) == MESSAGE_COMPLETE) {
    request_handle(control, message);
    queue_consume(in, PV_MESSAGE_HEADER_SIZE + message.payload.length);
  }
  if (step == MESSAGE_TOO_LARGE) {
    struct text text = {.length = 0};
    message_describe_limit(&text, "the request");
    outbox_send_error(&control->outbox, EMSGSIZE, text.data);
    outbox_flush(&control->outbox);
  }
  return step != MESSAGE_TOO_LARGE;
}

static bool peer_take_data(struct control *control, const struct link_frame *frame) {
  struct queue *in = &control->peer.in;
  return frame->type == PV_LINK_DATA && queue_length(in) < REQUEST_LIMIT &&
         queue_append(in, frame->payload, frame->length) && peer_take_messages(control);
}

static void peer_take_channel_frame(struct control *control, const struct link_frame *frame) {
  switch (frame->type) {
  case PV_LINK_OPEN:
    inbox_take(control); /* the worker may be newer than what control knows */
    channel_open(control, frame->channel);
    break;
  case PV_LINK_DATA: channel_receive(control, frame->channel, frame->payload, frame->length); break;
  case PV_LINK_CLOSE: channel_close(control, frame->channel, false); break;
  default: break;
  }
}

static void peer_take_frame(struct control *control, const struct link_frame *frame) {
  if (frame->type == PV_LINK_HELLO) {
    peer_take_hello(control, frame);
  } else if (control->outbox.fd < 0 || !control->outbox.link) {
    return; /* of a session that is over */
  } else if (frame->channel == 0) {
    if (!peer_take_data(control, frame)) {
      peer_end_session(control);
    }
  } else if (frame->channel < TARGETS) {
    peer_take_channel_frame(control, frame);
  } else if (frame->type == PV_LINK_OPEN) {
    outbox_end_frame(&control->outbox, PV_LINK_CLOSE, frame->channel, 0);
  }
}

/* Reads once into a queue. Returns the result of read(2). */
static long peer_read(struct queue *queue, int fd) {
  uint8_t *room = queue_room(queue, READ_SIZE);
  long got;
  if (room == NULL) {
    return -ENOMEM;
  }
  do {
    got = sys_read(fd, room, READ_SIZE);
  } while (got == -EINTR);
  queue->end += got > 0 ? (size_t)got : 0;
  return got;
}

void peer_port_ready(struct control *control) {
  struct queue *raw = &control->peer.raw;
  long got = control->peer.port >= 0 ? 0 : -EAGAIN;
  while (control->peer.port >= 0 && (got = peer_read(raw, control->peer.port)) > 0) {
    struct link_frame frame;
    size_t position = raw->start;
    while (link_read(raw->buffer.data, raw->end, &position, &frame) == LINK_FRAME) {
      peer_take_frame(control, &frame);
    }
    queue_consume(raw, position - raw->start);
    outbox_flush(&control->outbox);
  }
  /*
   * "No host" ends the session; the port stays open for the next one. But the first bytes of a host can
   * arrive before the port reports that it is connected. Until its HELLO could be answered, the host is not
   * gone but not there yet.
   */
  bool is_session = control->outbox.fd >= 0 && control->outbox.link;
  if (got != -EAGAIN && is_session && control->outbox.greeted) {
    queue_clear(raw);
    peer_end_session(control);
  }
}

void peer_stream_ready(struct control *control) {
  int fd = control->peer.stream;
  long got = fd < 0 ? -EAGAIN : 0;
  while (fd >= 0 && control->peer.stream == fd && (got = peer_read(&control->peer.in, fd)) > 0) {
    if (!peer_take_messages(control)) {
      break;
    }
  }
  if (got != -EAGAIN) {
    peer_end_session(control);
  }
}
