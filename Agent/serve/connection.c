#include "connection.h"

#include "link.h"
#include "reply.h"
#include "sys.h"

enum {
  READ_SIZE = 65536,
  KEEP_SIZE = 1 << 20,
  /* One request is under way at a time: more bytes than the largest one mean a host that has lost its step.
   */
  PENDING_MAX = (int)PV_MAX_PAYLOAD + 2 * READ_SIZE,
  /* Room for the rest of the largest frame and a large read after it. */
  RAW_SIZE = 2 * (int)PV_LINK_PADDING,
};

int connection_init(struct connection *connection, struct slot *slot) {
  *connection = (struct connection){.fd = -1, .slot = slot};
  int error = buffer_reserve(&connection->in.buffer, READ_SIZE);
  error = error != 0 ? error : buffer_reserve(&connection->raw.buffer, RAW_SIZE);
  return error != 0 ? error : buffer_reserve(&connection->out, READ_SIZE);
}

void connection_free(struct connection *connection) {
  buffer_free(&connection->in.buffer);
  buffer_free(&connection->raw.buffer);
  buffer_free(&connection->out);
}

static void connection_drop_input(struct connection *connection) {
  connection->in.start = connection->in.end = 0;
  connection->discard = 0;
  connection->lost = false;
}

void connection_open(struct connection *connection, int fd, bool link) {
  connection->fd = fd;
  connection->link = link;
  connection->restarted = false;
  connection->raw.start = connection->raw.end = 0;
  connection_drop_input(connection);
}

void connection_settle(struct connection *connection) {
  if (queue_length(&connection->in) == 0) {
    connection->in.start = connection->in.end = 0;
    buffer_trim(&connection->in.buffer, KEEP_SIZE);
  }
  buffer_trim(&connection->out, KEEP_SIZE);
}

/* ---- a message without memory --------------------------------------------------------------- */

/*
 * There is no memory for the message that is arriving. Its bytes are discarded as they come, and ERROR
 * follows the last one, so that the stream stays in step. If its header or its end is unknown, the session
 * must end.
 */
static void connection_refuse(struct connection *connection) {
  size_t have = queue_length(&connection->in);
  uint32_t length = 0;
  size_t missing =
      have >= PV_MESSAGE_HEADER_SIZE ? message_missing(queue_front(&connection->in), have, &length) : 0;
  if (missing == 0 || length > PV_MAX_PAYLOAD) {
    connection->lost = true;
    return;
  }
  connection->discard = (uint32_t)missing;
  connection->in.start = connection->in.end = 0;
}

/* Returns how many of the next `length` bytes are to be discarded. */
static size_t connection_discard(struct connection *connection, size_t length) {
  size_t count = length < connection->discard ? length : connection->discard;
  if (count != 0) {
    connection->discard -= (uint32_t)count;
    if (connection->discard == 0) {
      reply_error(connection, ENOMEM, "no memory for a request of this size");
    }
  }
  return count;
}

/* ---- link frames ---------------------------------------------------------------------------- */

static void connection_append(struct connection *connection, const uint8_t *bytes, size_t length) {
  while (length != 0 && !connection->lost) {
    size_t discarded = connection_discard(connection, length);
    bytes += discarded;
    length -= discarded;
    if (queue_length(&connection->in) + length > PENDING_MAX) {
      connection->lost = true;
    } else if (queue_append(&connection->in, bytes, length)) {
      return;
    } else {
      connection_refuse(connection);
    }
  }
}

static void connection_take_hello(struct connection *connection, const struct link_frame *frame) {
  if (frame->length == PV_NONCE_SIZE) {
    connection_drop_input(connection);
    reply_hello(connection, frame->payload);
    connection->restarted = true;
  }
}

/* Takes the complete frames. Stops after a HELLO: the frames after it belong to the new session. */
static void connection_take_frames(struct connection *connection) {
  struct queue *raw = &connection->raw;
  struct link_frame frame;
  while (!connection->restarted && link_read(raw->buffer.data, raw->end, &raw->start, &frame) == LINK_FRAME) {
    if (frame.type == PV_LINK_HELLO) {
      connection_take_hello(connection, &frame);
    } else if (frame.channel == 0 && frame.type == PV_LINK_DATA) {
      connection_append(connection, frame.payload, frame.length);
    } else if (frame.channel == 0 && frame.type == PV_LINK_CLOSE) {
      connection->lost = true;
    }
  }
}

/* ---- reading -------------------------------------------------------------------------------- */

/* Moves the frames that have not been taken to the front; the room after them is never too small for a frame.
 */
static void connection_compact_raw(struct connection *connection) {
  struct queue *raw = &connection->raw;
  size_t length = queue_length(raw);
  if (raw->start != 0) {
    memmove(raw->buffer.data, queue_front(raw), length);
    raw->start = 0;
    raw->end = length;
  }
}

/* Reads once. Returns false at the end of the connection. */
static bool connection_fill(struct connection *connection) {
  struct queue *queue = connection->link ? &connection->raw : &connection->in;
  if (connection->link) {
    connection_compact_raw(connection);
  }
  uint8_t *room = queue->buffer.data + queue->end;
  long got;
  do {
    got = sys_read(connection->fd, room, queue->buffer.capacity - queue->end);
  } while ((got == -EINTR && !connection->slot->must_end) || got == -EAGAIN);
  if (got <= 0) {
    return false;
  }
  if (connection->link) {
    queue->end += (size_t)got;
    connection_take_frames(connection);
    return !connection->lost || connection->restarted;
  }
  size_t discarded = connection_discard(connection, (size_t)got);
  memmove(room, room + discarded, (size_t)got - discarded);
  queue->end += (size_t)got - discarded;
  return true;
}

/* Makes room for the rest of the message that is arriving on a stream. */
static void connection_make_room(struct connection *connection) {
  struct queue *in = &connection->in;
  size_t wanted = READ_SIZE / 2;
  uint32_t length;
  if (queue_length(in) >= PV_MESSAGE_HEADER_SIZE) {
    wanted = message_missing(queue_front(in), queue_length(in), &length);
  }
  if (connection->discard == 0 && queue_room(in, wanted) == NULL) {
    connection_refuse(connection);
  }
}

/* Frames may be waiting that came together with a HELLO. Returns true if there were any. */
static bool connection_take_waiting_frames(struct connection *connection) {
  size_t before = connection->raw.start;
  if (queue_length(&connection->raw) != 0) {
    connection_take_frames(connection);
  }
  return connection->raw.start != before;
}

enum receive_result connection_receive(struct connection *connection, struct message *message) {
  struct queue *in = &connection->in;
  for (;;) {
    if (connection->restarted) {
      connection->restarted = false;
      return RECEIVE_RESTARTED;
    }
    if (connection->lost || connection->slot->must_end) {
      return RECEIVE_ENDED;
    }
    enum message_step step = message_read(queue_front(in), queue_length(in), message);
    if (step == MESSAGE_TOO_LARGE) {
      struct text text = {.length = 0};
      message_describe_limit(&text, "the request");
      reply_error(connection, EMSGSIZE, text.data);
      return RECEIVE_ENDED;
    }
    if (step == MESSAGE_COMPLETE) {
      in->start += PV_MESSAGE_HEADER_SIZE + message->payload.length;
      return RECEIVE_MESSAGE;
    }
    if (!connection->link) {
      connection_make_room(connection);
    } else if (connection_take_waiting_frames(connection)) {
      continue;
    }
    if (!connection_fill(connection)) {
      return RECEIVE_ENDED;
    }
  }
}

bool connection_await_hello(struct connection *connection) {
  struct pollfd poll = {connection->fd, POLLIN, 0};
  while (sys_poll(&poll, 1, 0) == 1 && (poll.revents & POLLIN) != 0) {
    bool more = connection_fill(connection);
    if (connection->restarted) {
      return true;
    }
    connection_drop_input(connection); /* data before the first HELLO belongs to an earlier session */
    if (!more) {
      break;
    }
  }
  return false;
}

/* ---- while a request is handled ------------------------------------------------------------- */

short connection_poll_events(const struct connection *connection) {
  /* On a stream, early bytes are the next request and can wait. On a port they can only be a new session. */
  return connection->link ? POLLIN : POLLRDHUP;
}

bool connection_abandoned(struct connection *connection, short events) {
  if (connection->restarted || connection->lost) {
    return true;
  }
  if ((events & (POLLHUP | POLLERR | POLLRDHUP | POLLNVAL)) != 0) {
    connection->lost = true;
  } else if (connection->link && (events & POLLIN) != 0 && !connection_fill(connection)) {
    connection->lost = true;
  }
  return connection->restarted || connection->lost;
}
