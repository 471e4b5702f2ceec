#include "message.h"

#include "build_id.h"
#include "sys.h"

static uint32_t message_stated_length(const uint8_t *bytes) {
  uint32_t length;
  memcpy(&length, bytes + 1, sizeof length);
  return length;
}

enum message_step message_read(const uint8_t *bytes, size_t length, struct message *message) {
  if (length < PV_MESSAGE_HEADER_SIZE) {
    return MESSAGE_INCOMPLETE;
  }
  uint32_t stated = message_stated_length(bytes);
  if (stated > PV_MAX_PAYLOAD) {
    return MESSAGE_TOO_LARGE;
  }
  if (length - PV_MESSAGE_HEADER_SIZE < stated) {
    return MESSAGE_INCOMPLETE;
  }
  *message = (struct message){bytes[0], {bytes + PV_MESSAGE_HEADER_SIZE, stated}};
  return MESSAGE_COMPLETE;
}

size_t message_missing(const uint8_t *bytes, size_t length, uint32_t *payload_length) {
  *payload_length = message_stated_length(bytes);
  size_t size = PV_MESSAGE_HEADER_SIZE + (size_t)*payload_length;
  return size > length ? size - length : 0;
}

void message_write_header(uint8_t *room, uint8_t type, uint32_t length) {
  room[0] = type;
  memcpy(room + 1, &length, sizeof length);
}

void message_describe_limit(struct text *text, const char *what) {
  text_add(text, what);
  text_add(text, " is larger than the limit of ");
  text_add_number(text, PV_MAX_PAYLOAD);
  text_add(text, " bytes");
}

void ready_write(uint8_t room[READY_SIZE], const struct process_table *table) {
  uint16_t version = PV_PROTOCOL_VERSION, machine = SYS_MACHINE;
  int32_t pid = (int32_t)sys_gettid(); /* a worker can be a thread */
  memcpy(room, &version, 2);
  memcpy(room + 2, &machine, 2);
  memcpy(room + 4, &pid, 4);
  memcpy(room + 8, table->boot_nonce, PV_NONCE_SIZE);
  memcpy(room + 8 + PV_NONCE_SIZE, build_id, PV_BUILD_ID_SIZE);
}

uint32_t error_write(uint8_t room[ERROR_MAX], int number, const char *text) {
  int32_t wire_number = number;
  size_t length = strlen(text);
  length = length < ERROR_TEXT_MAX ? length : ERROR_TEXT_MAX;
  memcpy(room, &wire_number, sizeof wire_number);
  memcpy(room + sizeof wire_number, text, length);
  return (uint32_t)(sizeof wire_number + length);
}
