#include "reply.h"

#include "sys.h"

enum { WRITE_WAIT_MS = 1000, ERROR_PATH_MAX = 256 };

static bool reply_host_is_lost(const struct connection *connection) {
  const struct slot *slot = connection->slot;
  bool is_interrupted = slot->interrupted == slot->operation;
  return slot->must_end || (is_interrupted && (slot->interrupt_reason & INTERRUPT_HOST_LOST) != 0);
}

static bool reply_write(struct connection *connection, const uint8_t *bytes, size_t length) {
  while (length != 0) {
    long put = sys_write(connection->fd, bytes, length);
    if (put > 0) {
      bytes += put;
      length -= (size_t)put;
    } else if (put == -EAGAIN) {
      struct pollfd poll = {connection->fd, POLLOUT, 0};
      sys_poll(&poll, 1, WRITE_WAIT_MS);
    } else if (put != -EINTR || reply_host_is_lost(connection)) {
      connection->lost = true;
      return false;
    }
  }
  return true;
}

/* ---- building ------------------------------------------------------------------------------- */

enum { PAYLOAD_AT = PV_LINK_HEADER_SIZE + PV_MESSAGE_HEADER_SIZE };

void reply_begin(struct connection *connection, uint8_t type) {
  connection->out_failed = false;
  connection->out.data[PV_LINK_HEADER_SIZE] = type;
  connection->out_end = PAYLOAD_AT;
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
    reply_extend(connection, length);
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

size_t reply_count_place(struct connection *connection) {
  reply_u32(connection, 0);
  return connection->out_end - sizeof(uint32_t);
}

void reply_set_count(struct connection *connection, size_t place, uint32_t count) {
  if (!connection->out_failed) {
    memcpy(connection->out.data + place, &count, sizeof count);
  }
}

size_t reply_length(const struct connection *connection) { return connection->out_end - PAYLOAD_AT; }

void reply_fail(struct connection *connection) { connection->out_failed = true; }

/* ---- sending -------------------------------------------------------------------------------- */

/*
 * Sends the message in link frames without copying it. The header of a frame is written over the bytes before
 * its payload: the room at the start of the buffer, or bytes that have been sent already.
 */
static bool reply_send_frames(struct connection *connection) {
  size_t at = PV_LINK_HEADER_SIZE;
  while (at < connection->out_end) {
    size_t length = connection->out_end - at;
    length = length < PV_LINK_FULL_PAYLOAD ? length : PV_LINK_FULL_PAYLOAD;
    uint8_t *payload = connection->out.data + at;
    struct pv_link_header header;
    pv_link_header_make(&header, PV_LINK_DATA, 0, payload, (uint32_t)length);
    memcpy(payload - sizeof header, &header, sizeof header);
    if (!reply_write(connection, payload - sizeof header, sizeof header + length)) {
      return false;
    }
    at += length;
  }
  return true;
}

/* Returns whether the session that asked is over, or this thread is killed. */
static bool reply_is_pointless(const struct connection *connection) {
  return connection->restarted || connection->lost || connection->slot->must_end;
}

/* Sends the bytes from the first message's header to out_end. */
static bool reply_send_out(struct connection *connection) {
  uint8_t *messages = connection->out.data + PV_LINK_HEADER_SIZE;
  return connection->link ? reply_send_frames(connection)
                          : reply_write(connection, messages, connection->out_end - PV_LINK_HEADER_SIZE);
}

bool reply_send(struct connection *connection) {
  if (reply_is_pointless(connection)) {
    return false;
  }
  if (connection->out_failed) {
    return reply_error(connection, ENOMEM, "no memory for a reply of this size");
  }
  size_t length = reply_length(connection);
  if (length > PV_MAX_PAYLOAD) {
    struct text text = {.length = 0};
    message_describe_limit(&text, "the reply");
    return reply_error(connection, EMSGSIZE, text.data);
  }
  uint8_t *message = connection->out.data + PV_LINK_HEADER_SIZE;
  message_write_header(message, message[0], (uint32_t)length);
  return reply_send_out(connection);
}

/* ---- pieces --------------------------------------------------------------------------------- */

enum { PIECE_HEADER = PV_MESSAGE_HEADER_SIZE + 1, PIECE_DATA = PV_PIECE_SIZE - 1 };

bool reply_pieces_begin(struct connection *connection, struct reply_pieces *pieces, size_t size) {
  connection->out_failed = false;
  connection->out_end = PV_LINK_HEADER_SIZE;
  pieces->count = 0;
  while (pieces->count < REPLY_PIECES_MAX && size != 0) {
    size_t length = size < PIECE_DATA ? size : PIECE_DATA;
    pieces->parts[pieces->count++].iov_len = length;
    connection->out_end += PIECE_HEADER + length;
    size -= length;
  }
  if (buffer_reserve(&connection->out, connection->out_end) != 0) {
    return false;
  }
  uint8_t *at = connection->out.data + PV_LINK_HEADER_SIZE;
  for (int i = 0; i < pieces->count; i++) {
    pieces->parts[i].iov_base = at + PIECE_HEADER;
    at += PIECE_HEADER + pieces->parts[i].iov_len;
  }
  return true;
}

bool reply_pieces_send(struct connection *connection, const struct reply_pieces *pieces, uint8_t type,
                       uint8_t first, size_t length) {
  if (reply_is_pointless(connection)) {
    return false;
  }
  for (int i = 0; i < pieces->count && length != 0; i++) {
    const struct iovec *part = &pieces->parts[i];
    size_t used = length < part->iov_len ? length : part->iov_len;
    uint8_t *data = part->iov_base;
    message_write_header(data - PIECE_HEADER, type, (uint32_t)used + 1);
    data[-1] = first;
    connection->out_end = (size_t)(data + used - connection->out.data);
    length -= used;
  }
  return reply_send_out(connection);
}

bool reply_error(struct connection *connection, int number, const char *message) {
  uint8_t payload[ERROR_MAX];
  uint32_t length = error_write(payload, number, message);
  reply_begin(connection, PV_ERROR);
  reply_bytes(connection, payload, length);
  return reply_send(connection);
}

bool reply_error_path(struct connection *connection, int number, const char *action, struct span path) {
  struct text text = {.length = 0};
  text_add(&text, action);
  text_add(&text, " ");
  text_add_bytes(&text, path.data, path.length < ERROR_PATH_MAX ? path.length : ERROR_PATH_MAX);
  text_add(&text, ": ");
  text_add_errno(&text, number);
  return reply_error(connection, number, text.data);
}

bool reply_done(struct connection *connection, int64_t value) {
  reply_begin(connection, PV_DONE);
  reply_u64(connection, (uint64_t)value);
  return reply_send(connection);
}

bool reply_ready(struct connection *connection, const struct process_table *table) {
  uint8_t payload[READY_SIZE];
  ready_write(payload, table);
  reply_begin(connection, PV_READY);
  reply_bytes(connection, payload, sizeof payload);
  return reply_send(connection);
}

void reply_hello(struct connection *connection, const uint8_t nonce[PV_NONCE_SIZE]) {
  uint8_t frame[PV_LINK_HEADER_SIZE + PV_NONCE_SIZE];
  struct pv_link_header header;
  pv_link_header_make(&header, PV_LINK_HELLO_ACK, 0, nonce, PV_NONCE_SIZE);
  memcpy(frame, &header, sizeof header);
  memcpy(frame + sizeof header, nonce, PV_NONCE_SIZE);
  reply_write(connection, frame, sizeof frame);
}
