/* The control connection: bytes from the port or from vsock to frames and messages, and back, without
 * blocking. */
#include <string.h>
#include <sys/epoll.h>

#include "control.h"
#include "descriptor.h"
#include "endpoint.h"
#include "port.h"
#include "sys.h"

enum {
  READ_SIZE = 65536,
  OUT_LIMIT = 1 << 20, /* more than this waiting for the host: workers wait too */
  REQUEST_LIMIT = (int)PV_MAX_PAYLOAD + 2 * READ_SIZE,
};

static bool is_link(const struct control *control) {
  return control->host.active >= 0 && control->host.active == control->host.port;
}

/* ---- sessions ------------------------------------------------------------------------------- */

/*
 * Nobody waits any more for what was asked: blocked requests end, running commands are killed, workers'
 * connections are closed. After QUIESCE the host went away on purpose, and everything stays.
 */
static void session_end(struct control *control) {
  struct host *host = &control->host;
  if (host->active < 0) {
    return;
  }
  host->active = -1;
  if (!host->quiesced) {
    interrupt_all(control);
    channels_abandon(control);
  }
  host->quiesced = false;
  for (uint32_t n = 1; n < TARGETS; n++) {
    channel_close(control, n, false);
    control->kill_awaited[n] = false;
  }
  control_unwatch(control, host->stream);
  host->stream = -1;
  queue_clear(&host->in);
  queue_clear(&host->out);
}

static void session_begin(struct control *control, int fd) {
  control->host.active = fd;
  control_send_ready(control);
  if (control->main_gone) {
    control_send_gone(control, 0, control->shared->slots[0].pid, control->main_status);
  }
}

static void hello(struct control *control, const struct link_frame *frame) {
  uint8_t nonce[PV_NONCE_SIZE];
  if (frame->length != sizeof nonce) {
    return;
  }
  memcpy(nonce, frame->payload, sizeof nonce);
  session_end(control);
  control->host.active = control->host.port;
  control->host.greeted = false;
  queue_clear(
      &control->host.out); /* half a frame may have gone out: the host looks for the acknowledgement */
  queue_clear(&control->host.in);
  uint8_t *room = host_frame_room(control, sizeof nonce);
  if (room != NULL) {
    memcpy(room, nonce, sizeof nonce);
    host_frame_end(control, PV_LINK_HELLO_ACK, 0, sizeof nonce);
  }
  session_begin(control, control->host.port);
}

/* ---- finding the host ----------------------------------------------------------------------- */

void host_look(struct control *control) {
  struct host *host = &control->host;
  if (host->listener < 0) {
    host->listener = endpoint_listen(control->guest, PV_VSOCK_CONTROL_PORT);
    if (host->listener >= 0) {
      sys_fcntl(host->listener, F_SETFL, O_NONBLOCK);
      control_watch(control, host->listener, EPOLLIN, SOURCE_LISTENER, 0);
    }
  }
  if (host->port >= 0 || control->guest->is_test) {
    return;
  }
  host->port = descriptor_hide(port_open(control->guest->private, PV_PORT_CONTROL, O_NONBLOCK));
  if (host->port >= 0) {
    control_watch(control, host->port, EPOLLIN | EPOLLOUT | EPOLLET, SOURCE_PORT, 0);
    control_unwatch(control, host->events);
    host->events = -1;
  }
}

void host_open(struct control *control, int given, bool given_link) {
  struct host *host = &control->host;
  if (given >= 0) {
    sys_fcntl(given, F_SETFL, O_NONBLOCK);
    *(given_link ? &host->port : &host->stream) = given;
    control_watch(control, given, EPOLLIN | EPOLLOUT | EPOLLET, given_link ? SOURCE_PORT : SOURCE_STREAM, 0);
    if (!given_link) {
      session_begin(control, given);
    }
    return;
  }
  if (!control->guest->is_test) {
    host->events = descriptor_hide(port_events_open());
    if (host->events >= 0) {
      control_watch(control, host->events, EPOLLIN, SOURCE_EVENTS, 0);
    }
  }
  host_look(control);
}

void host_accept(struct control *control) {
  struct host *host = &control->host;
  uint32_t index = host->next_candidate++ % CANDIDATES;
  struct candidate *candidate = &host->candidates[index];
  control_unwatch(control, candidate->fd);
  if (candidate_accept(control->guest, host->listener, SOCK_NONBLOCK, candidate)) {
    control_watch(control, candidate->fd, EPOLLIN | EPOLLRDHUP, SOURCE_CANDIDATE, index);
    host_admit(control, index);
  }
}

/*
 * A stream tells of its own end, so a session that lives is the host's, and stays; who comes meanwhile is
 * sent away, and dials again. After a resume the transport's reset has ended the session of the snapshot,
 * which is noticed here even if its event stands behind the new connection's.
 */
void host_admit(struct control *control, uint32_t index) {
  struct host *host = &control->host;
  struct candidate *candidate = &host->candidates[index];
  if (candidate->fd < 0 || candidate_read(control->guest, candidate) != ADMISSION_GRANTED) {
    return; /* closing it has ended its events */
  }
  int fd = candidate->fd;
  candidate->fd = -1;
  host_readable(control, host->stream);
  if (host->active >= 0) {
    control_unwatch(control, fd);
    return;
  }
  host->stream = fd;
  control_rewatch(control, fd, EPOLLIN | EPOLLOUT | EPOLLET | EPOLLRDHUP, SOURCE_STREAM, 0);
  session_begin(control, fd);
}

/* ---- in ------------------------------------------------------------------------------------- */

/* Handles the complete messages; false when where the next one begins is lost. */
static bool take_messages(struct control *control) {
  struct queue *in = &control->host.in;
  while (queue_length(in) >= PV_MESSAGE_HEADER_SIZE) {
    const uint8_t *bytes = in->buffer.data + in->start;
    uint32_t length;
    memcpy(&length, bytes + 1, sizeof length);
    if (length > PV_MAX_PAYLOAD) {
      host_send_error(control, EMSGSIZE, "a message may have 16777216 bytes of payload");
      host_flush(control);
      return false;
    }
    if (queue_length(in) - PV_MESSAGE_HEADER_SIZE < length) {
      break;
    }
    control_handle(control, bytes[0], (struct span){bytes + PV_MESSAGE_HEADER_SIZE, length});
    queue_consume(in, PV_MESSAGE_HEADER_SIZE + length);
  }
  return true;
}

static void take_frame(struct control *control, const struct link_frame *frame) {
  if (frame->type == PV_LINK_HELLO) {
    hello(control, frame);
  } else if (!is_link(control)) {
    return; /* of a session that is over */
  } else if (frame->channel == 0) {
    bool fits = frame->type == PV_LINK_DATA && queue_length(&control->host.in) < REQUEST_LIMIT &&
                queue_append(&control->host.in, frame->payload, frame->length) && take_messages(control);
    if (!fits) {
      session_end(control);
    }
  } else if (frame->channel < TARGETS) {
    if (frame->type == PV_LINK_OPEN) {
      channel_open(control, frame->channel);
    } else if (frame->type == PV_LINK_DATA) {
      channel_receive(control, frame->channel, frame->payload, frame->length);
    } else if (frame->type == PV_LINK_CLOSE) {
      channel_close(control, frame->channel, false);
    }
  } else if (frame->type == PV_LINK_OPEN) {
    host_frame_end(control, PV_LINK_CLOSE, frame->channel, 0);
  }
}

/* One read into a queue: what read(2) said. */
static long read_into(struct queue *queue, int fd) {
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

static void port_readable(struct control *control) {
  struct queue *raw = &control->host.raw;
  long got;
  while ((got = read_into(raw, control->host.port)) > 0) {
    struct link_frame frame;
    size_t position = raw->start;
    while (link_read(raw->buffer.data, raw->end, &position, &frame) == LINK_FRAME) {
      take_frame(control, &frame);
    }
    queue_consume(raw, position - raw->start);
    host_flush(control);
  }
  /*
   * "No host" ends the session, and the port stays for the next. But the bytes of a new host can overtake the
   * news of its coming: as long as its HELLO could not be answered, it is not there yet rather than gone.
   */
  if (got != -EAGAIN && is_link(control) && control->host.greeted) {
    queue_clear(raw);
    session_end(control);
  }
}

static void stream_readable(struct control *control) {
  int fd = control->host.stream;
  long got = 0;
  while (control->host.stream == fd && (got = read_into(&control->host.in, fd)) > 0) {
    if (!take_messages(control)) {
      break;
    }
  }
  if (got != -EAGAIN) {
    session_end(control);
  }
}

void host_readable(struct control *control, int fd) {
  if (fd < 0) {
    return;
  }
  if (fd == control->host.port) {
    port_readable(control);
  } else {
    stream_readable(control);
  }
}

/* ---- out ------------------------------------------------------------------------------------ */

bool host_is_full(const struct control *control) { return queue_length(&control->host.out) > OUT_LIMIT; }

void host_flush(struct control *control) {
  struct queue *out = &control->host.out;
  while (queue_length(out) != 0 && control->host.active >= 0) {
    long put = sys_write(control->host.active, out->buffer.data + out->start, queue_length(out));
    if (put > 0) {
      control->host.greeted = true;
      queue_consume(out, (size_t)put);
    } else if (put != -EINTR) {
      break; /* later; an end is noticed by reading */
    }
  }
}

uint8_t *host_frame_room(struct control *control, size_t size) {
  uint8_t *room = queue_room(&control->host.out, PV_LINK_HEADER_SIZE + size);
  return room != NULL ? room + PV_LINK_HEADER_SIZE : NULL;
}

void host_frame_end(struct control *control, uint8_t type, uint32_t channel, uint32_t length) {
  struct queue *out = &control->host.out;
  uint8_t *room = queue_room(out, PV_LINK_HEADER_SIZE + length);
  struct pv_link_header header;
  if (room == NULL) {
    return;
  }
  pv_link_header_make(&header, type, (uint16_t)channel, room + PV_LINK_HEADER_SIZE, length);
  memcpy(room, &header, sizeof header);
  out->end += PV_LINK_HEADER_SIZE + length;
}

/* A message of control's own: always small, so one frame. */
void host_send(struct control *control, uint8_t type, const void *payload, uint32_t length) {
  if (control->host.active < 0) {
    return;
  }
  uint32_t size = PV_MESSAGE_HEADER_SIZE + length;
  bool link = is_link(control);
  uint8_t *room = link ? host_frame_room(control, size) : queue_room(&control->host.out, size);
  if (room == NULL) {
    return;
  }
  room[0] = type;
  memcpy(room + 1, &length, sizeof length);
  if (length != 0) {
    memcpy(room + PV_MESSAGE_HEADER_SIZE, payload, length);
  }
  if (link) {
    host_frame_end(control, PV_LINK_DATA, 0, size);
  } else {
    control->host.out.end += size;
  }
}

void host_send_error(struct control *control, int number, const char *message) {
  uint8_t payload[256];
  int32_t wire_number = number;
  size_t length = strlen(message);
  length = length < sizeof payload - 4 ? length : sizeof payload - 4;
  memcpy(payload, &wire_number, 4);
  memcpy(payload + 4, message, length);
  host_send(control, PV_ERROR, payload, (uint32_t)(4 + length));
}
