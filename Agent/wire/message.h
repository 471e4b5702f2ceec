/* Messages as bytes: the frame of a message, and the messages that both kinds of processes send. */
#ifndef PROVIUM_MESSAGE_H
#define PROVIUM_MESSAGE_H

#include "process_table.h"
#include "text.h"

/* Bytes that belong to someone else. */
struct span {
  const uint8_t *data;
  uint32_t length;
};

struct message {
  uint8_t type;
  struct span payload; /* points into the bytes that were read */
};

enum message_step {
  MESSAGE_COMPLETE,
  MESSAGE_INCOMPLETE,
  MESSAGE_TOO_LARGE, /* the stream is out of step: the start of the next message is unknown */
};

/* Reads the message at the start of `bytes`. Its size is PV_MESSAGE_HEADER_SIZE + payload.length. */
enum message_step message_read(const uint8_t *bytes, size_t length, struct message *message);

/*
 * Returns how many bytes are missing of the message at the start of `bytes`, of which at least the header is
 * there. `payload_length` receives the length that the header states.
 */
size_t message_missing(const uint8_t *bytes, size_t length, uint32_t *payload_length);

/* Writes the header of a message: PV_MESSAGE_HEADER_SIZE bytes. */
void message_write_header(uint8_t *room, uint8_t type, uint32_t length);

/* Writes "the message is larger than N bytes" for a message or reply beyond PV_MAX_PAYLOAD. */
void message_describe_limit(struct text *text, const char *what);

enum { READY_SIZE = 8 + PV_NONCE_SIZE + PV_BUILD_ID_SIZE };

/* Writes the payload of READY for this process. */
void ready_write(uint8_t room[READY_SIZE], const struct process_table *table);

enum { ERROR_TEXT_MAX = 511, ERROR_MAX = 4 + ERROR_TEXT_MAX };

/* Writes the payload of ERROR and returns its length. Truncates a text longer than ERROR_TEXT_MAX. */
uint32_t error_write(uint8_t room[ERROR_MAX], int number, const char *text);

#endif
