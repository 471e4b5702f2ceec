#include "connection.h"

#include "link.h"
#include "sys.h"

enum {
  READ_SIZE = 65536,
  KEEP_SIZE = 1 << 20,
  PENDING_SIZE = (int)PV_MAX_PAYLOAD + 2 * READ_SIZE,
  /* A raw buffer that always has room for the rest of the largest frame and a good read behind it. */
  RAW_SIZE = 2 * (int)PV_LINK_PADDING,
};

static bool write_all(struct connection *connection, const uint8_t *bytes, size_t length);

static bool host_is_lost(const struct connection *connection) {
  const struct slot *slot = connection->slot;
  return slot->interrupted == slot->operation && (slot->interrupt_reason & INTERRUPT_HOST_LOST) != 0;
}

int connection_init(struct connection *connection, struct slot *slot) {
  *connection = (struct connection){.fd = -1, .slot = slot};
  int error = buffer_reserve(&connection->in, READ_SIZE);
  error = error != 0 ? error : buffer_reserve(&connection->raw, RAW_SIZE);
  return error != 0 ? error : buffer_reserve(&connection->out, READ_SIZE);
}

void connection_open(struct connection *connection, int fd, bool link) {
  connection->fd = fd;
  connection->link = link;
  connection->restarted = connection->lost = false;
  connection->discard = 0;
  connection->in_start = connection->in_end = 0;
  connection->raw_start = connection->raw_end = 0;
}

void connection_settle(struct connection *connection) {
  if (connection->in_start == connection->in_end) {
    connection->in_start = connection->in_end = 0;
    buffer_trim(&connection->in, KEEP_SIZE);
  }
  buffer_trim(&connection->out, KEEP_SIZE);
}

/* ---- receiving ------------------------------------------------------------------------------ */

/* Moves what is left to the front and makes room for `size` bytes behind it. */
static int in_reserve(struct connection *connection, size_t size) {
  size_t length = connection->in_end - connection->in_start;
  if (connection->in_start != 0 && connection->in_end + size > connection->in.capacity) {
    memmove(connection->in.data, connection->in.data + connection->in_start, length);
    connection->in_start = 0;
    connection->in_end = length;
  }
  return buffer_reserve(&connection->in, connection->in_end + size);
}

static size_t in_length(const struct connection *connection) {
  return connection->in_end - connection->in_start;
}

static uint32_t in_message_length(const struct connection *connection) {
  uint32_t length;
  memcpy(&length, connection->in.data + connection->in_start + 1, sizeof length);
  return length;
}

/*
 * There is no memory for the message at hand: its bytes are thrown away as they come, then ERROR tells. Where
 * not even its header is there, or more than one message, only the end of the session helps.
 */
static void in_refuse(struct connection *connection) {
  size_t have = in_length(connection);
  uint32_t length = have >= PV_MESSAGE_HEADER_SIZE ? in_message_length(connection) : 0;
  if (have < PV_MESSAGE_HEADER_SIZE || length > PV_MAX_PAYLOAD || have >= PV_MESSAGE_HEADER_SIZE + length) {
    connection->lost = true;
    return;
  }
  connection->discard = (uint32_t)(PV_MESSAGE_HEADER_SIZE + length - have);
  connection->in_start = connection->in_end = 0;
}

/* Uses up what is to be thrown away; the reply follows the last of it, so that the stream stays in step. */
static size_t discard_bytes(struct connection *connection, size_t length) {
  size_t gone = length < connection->discard ? length : connection->discard;
  if (gone != 0) {
    connection->discard -= (uint32_t)gone;
    if (connection->discard == 0) {
      reply_error(connection, ENOMEM, "no memory for a request of this size");
    }
  }
  return gone;
}

static void in_append(struct connection *connection, const uint8_t *bytes, size_t length) {
  while (length != 0 && !connection->lost) {
    size_t gone = discard_bytes(connection, length);
    bytes += gone;
    length -= gone;
    if (in_length(connection) + length > PENDING_SIZE) {
      connection->lost = true; /* far more than the one request that may be under way */
    } else if (in_reserve(connection, length) == 0) {
      memcpy(connection->in.data + connection->in_end, bytes, length);
      connection->in_end += length;
      return;
    } else {
      in_refuse(connection);
    }
  }
}

static void handle_hello(struct connection *connection, const struct link_frame *frame) {
  if (frame->length != PV_NONCE_SIZE) {
    return;
  }
  connection->in_start = connection->in_end = 0;
  connection->discard = 0;
  connection->lost = false;
  uint8_t answer[PV_LINK_HEADER_SIZE + PV_NONCE_SIZE];
  struct pv_link_header header;
  memcpy(answer + sizeof header, frame->payload, PV_NONCE_SIZE);
  pv_link_header_make(&header, PV_LINK_HELLO_ACK, 0, answer + sizeof header, PV_NONCE_SIZE);
  memcpy(answer, &header, sizeof header);
  write_all(connection, answer, sizeof answer);
  connection->restarted = true;
}

/* Sorts the frames that are complete. Stops behind a HELLO: what follows it belongs to the new session. */
static void raw_sort(struct connection *connection) {
  struct link_frame frame;
  while (!connection->restarted &&
         link_read(connection->raw.data, connection->raw_end, &connection->raw_start, &frame) == LINK_FRAME) {
    if (frame.type == PV_LINK_HELLO) {
      handle_hello(connection, &frame);
    } else if (frame.channel == 0 && frame.type == PV_LINK_DATA) {
      in_append(connection, frame.payload, frame.length);
    } else if (frame.channel == 0 && frame.type == PV_LINK_CLOSE) {
      connection->lost = true;
    }
  }
}

/* One read. False at the end of the connection. */
static bool connection_fill(struct connection *connection) {
  uint8_t *room;
  size_t size;
  if (connection->link) {
    size_t length = connection->raw_end - connection->raw_start;
    if (connection->raw_start != 0) {
      memmove(connection->raw.data, connection->raw.data + connection->raw_start, length);
      connection->raw_start = 0;
      connection->raw_end = length;
    }
    room = connection->raw.data + connection->raw_end;
    size = connection->raw.capacity - connection->raw_end;
  } else {
    room = connection->in.data + connection->in_end;
    size = connection->in.capacity - connection->in_end;
  }
  long got;
  do {
    got = sys_read(connection->fd, room, size);
  } while (got == -EINTR || got == -EAGAIN);
  if (got <= 0) {
    return false;
  }
  if (connection->link) {
    connection->raw_end += (size_t)got;
    raw_sort(connection);
    return !connection->lost || connection->restarted;
  }
  size_t gone = discard_bytes(connection, (size_t)got);
  memmove(room, room + gone, (size_t)got - gone);
  connection->in_end += (size_t)got - gone;
  return true;
}

/* Makes sure that a stream's next read has room for the rest of the message at hand. */
static void stream_make_room(struct connection *connection) {
  size_t wanted = READ_SIZE / 2;
  if (in_length(connection) >= PV_MESSAGE_HEADER_SIZE) {
    wanted = PV_MESSAGE_HEADER_SIZE + in_message_length(connection) - in_length(connection);
  }
  if (connection->discard == 0 && in_reserve(connection, wanted) != 0) {
    in_refuse(connection);
  }
}

enum receive_result connection_receive(struct connection *connection, struct message *message) {
  for (;;) {
    if (connection->restarted) {
      connection->restarted = false;
      return RECEIVE_RESTARTED;
    }
    if (connection->lost) {
      return RECEIVE_ENDED;
    }
    if (in_length(connection) >= PV_MESSAGE_HEADER_SIZE) {
      uint32_t length = in_message_length(connection);
      if (length > PV_MAX_PAYLOAD) {
        /* Where the next message begins is unknown from here on. */
        reply_error(connection, EMSGSIZE, "a message may have 16777216 bytes of payload");
        return RECEIVE_ENDED;
      }
      if (in_length(connection) - PV_MESSAGE_HEADER_SIZE >= length) {
        const uint8_t *bytes = connection->in.data + connection->in_start;
        *message = (struct message){bytes[0], {bytes + PV_MESSAGE_HEADER_SIZE, length}};
        connection->in_start += PV_MESSAGE_HEADER_SIZE + length;
        return RECEIVE_MESSAGE;
      }
    }
    if (!connection->link) {
      stream_make_room(connection);
    } else if (connection->raw_start != connection->raw_end) {
      size_t before = connection->raw_start;
      raw_sort(connection); /* what came behind a HELLO */
      if (connection->raw_start != before) {
        continue;
      }
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
    connection->in_start = connection->in_end = 0; /* DATA before any HELLO is an old session's */
    connection->discard = 0;
    connection->lost = false;
    if (!more) {
      break;
    }
  }
  return false;
}

short connection_watch(const struct connection *connection) {
  /* On a stream early bytes are the next request's, and wait; on a port they can only be a new session's. */
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

/* ---- sending -------------------------------------------------------------------------------- */

static bool write_all(struct connection *connection, const uint8_t *bytes, size_t length) {
  while (length != 0) {
    long put = sys_write(connection->fd, bytes, length);
    if (put > 0) {
      bytes += put;
      length -= (size_t)put;
    } else if (put == -EAGAIN) {
      struct pollfd poll = {connection->fd, POLLOUT, 0};
      sys_poll(&poll, 1, 1000);
    } else if (put != -EINTR || host_is_lost(connection)) {
      connection->lost = true;
      return false;
    }
  }
  return true;
}

void reply_begin(struct connection *connection, uint8_t type) {
  connection->out_failed = false;
  connection->out.data[PV_LINK_HEADER_SIZE] = type;
  connection->out_end = PV_LINK_HEADER_SIZE + PV_MESSAGE_HEADER_SIZE;
}

uint8_t *reply_room(struct connection *connection, size_t size) {
  if (connection->out_failed || buffer_reserve(&connection->out, connection->out_end + size) != 0) {
    connection->out_failed = true;
    return NULL;
  }
  return connection->out.data + connection->out_end;
}

void reply_extend(struct connection *connection, size_t used) { connection->out_end += used; }

void reply_bytes(struct connection *connection, const void *bytes, size_t length) {
  uint8_t *room = length != 0 ? reply_room(connection, length) : NULL;
  if (room != NULL) {
    memcpy(room, bytes, length);
    connection->out_end += length;
  }
}

void reply_u8(struct connection *connection, uint8_t value) { reply_bytes(connection, &value, sizeof value); }
void reply_u16(struct connection *connection, uint16_t value) {
  reply_bytes(connection, &value, sizeof value);
}
void reply_u32(struct connection *connection, uint32_t value) {
  reply_bytes(connection, &value, sizeof value);
}
void reply_u64(struct connection *connection, uint64_t value) {
  reply_bytes(connection, &value, sizeof value);
}

/*
 * Sends out.data[PV_LINK_HEADER_SIZE, out_end) in frames. Each frame's header is written over the bytes
 * before its payload: room kept free for the first, bytes already sent for the others. Nothing is copied.
 */
static bool send_frames(struct connection *connection) {
  size_t at = PV_LINK_HEADER_SIZE;
  while (at < connection->out_end) {
    size_t length = connection->out_end - at;
    length = length < PV_LINK_FULL_PAYLOAD ? length : PV_LINK_FULL_PAYLOAD;
    uint8_t *payload = connection->out.data + at;
    struct pv_link_header header;
    pv_link_header_make(&header, PV_LINK_DATA, 0, payload, (uint32_t)length);
    memcpy(payload - sizeof header, &header, sizeof header);
    if (!write_all(connection, payload - sizeof header, sizeof header + length)) {
      return false;
    }
    at += length;
  }
  return true;
}

bool reply_send(struct connection *connection) {
  if (connection->restarted || connection->lost) {
    return false; /* the session that asked for it is over */
  }
  if (connection->out_failed) {
    return reply_error(connection, ENOMEM, "no memory for a reply of this size");
  }
  size_t length = connection->out_end - PV_LINK_HEADER_SIZE - PV_MESSAGE_HEADER_SIZE;
  if (length > PV_MAX_PAYLOAD) {
    return reply_error(connection, EMSGSIZE, "the reply is larger than a message can be");
  }
  uint32_t wire_length = (uint32_t)length;
  memcpy(connection->out.data + PV_LINK_HEADER_SIZE + 1, &wire_length, sizeof wire_length);
  if (connection->link) {
    return send_frames(connection);
  }
  return write_all(connection, connection->out.data + PV_LINK_HEADER_SIZE, PV_MESSAGE_HEADER_SIZE + length);
}

bool reply_error(struct connection *connection, int number, const char *message) {
  reply_begin(connection, PV_ERROR);
  reply_u32(connection, (uint32_t)number);
  reply_bytes(connection, message, strlen(message));
  return reply_send(connection);
}

bool reply_error_path(struct connection *connection, int number, const char *verb, struct span path) {
  struct text text = {.length = 0};
  text_add(&text, verb);
  text_add(&text, " ");
  text_add_bytes(&text, path.data, path.length < 256 ? path.length : 256);
  text_add(&text, ": ");
  text_add_errno(&text, number);
  return reply_error(connection, number, text.data);
}

bool reply_done(struct connection *connection, int64_t value) {
  reply_begin(connection, PV_DONE);
  reply_u64(connection, (uint64_t)value);
  return reply_send(connection);
}
