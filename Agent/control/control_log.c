#include "control_log.h"

#include <linux/stat.h>
#include <sys/epoll.h>
#include <sys/sysmacros.h>

#include "control.h"
#include "descriptor.h"
#include "sys.h"
#include "vfs.h"

enum {
  CHARACTER_MEMORY = 1,
  MINOR_KMSG = 11,
  READ_SIZE = 9216, /* more than the kernel's CONSOLE_EXT_LOG_MAX, the size of the longest record */
  MESSAGE_HEADER = 12,
  MESSAGE_MAX = 32768,
  RECORD_MAX = (int)PV_RECORD_HEADER_SIZE + (int)PV_MAX_RECORD_TEXT,
  RING_SIZE_DEFAULT = 1 << 20,
};

/* ---- one record ----------------------------------------------------------------------------- */

struct record {
  uint64_t priority, sequence, time_us;
  uint8_t flags;
  const char *text; /* escaped */
  size_t length;
};

/* Reads decimal digits and the character after them. Returns false if the text is different. */
static bool record_take_number(const char **text, const char *end, uint64_t *number, char after) {
  const char *start = *text;
  for (*number = 0; *text < end && **text >= '0' && **text <= '9'; ++*text) {
    *number = *number * 10 + (uint64_t)(**text - '0');
  }
  return *text != start && *text < end && *(*text)++ == after;
}

/*
 * Parses "PRIORITY,SEQUENCE,TIME,FLAGS[,…];TEXT\n" and lines " KEY=VALUE", which are dropped
 * (Documentation/ABI/testing/dev-kmsg of Linux).
 */
static bool record_parse(const char *bytes, size_t length, struct record *record) {
  const char *at = bytes, *end = bytes + length;
  if (!record_take_number(&at, end, &record->priority, ',') ||
      !record_take_number(&at, end, &record->sequence, ',') ||
      !record_take_number(&at, end, &record->time_us, ',') || at == end) {
    return false;
  }
  record->flags = *at == 'c' || *at == '+' ? PV_RECORD_FRAGMENT : 0;
  const char *text = memchr(at, ';', (size_t)(end - at));
  if (text == NULL) {
    return false;
  }
  record->text = text + 1;
  const char *newline = memchr(record->text, '\n', (size_t)(end - record->text));
  record->length = (size_t)((newline != NULL ? newline : end) - record->text);
  return true;
}

static int record_hex_digit(char c) {
  if (c >= '0' && c <= '9') {
    return c - '0';
  }
  return c >= 'a' && c <= 'f' ? c - 'a' + 10 : -1;
}

/* Writes the text without the escapes "\xNN" of the kernel. Returns its length. */
static size_t record_unescape(const struct record *record, uint8_t *room, size_t size, bool *truncated) {
  size_t used = 0, at = 0;
  for (; at < record->length && used < size; used++) {
    const char *text = record->text + at;
    bool is_escape = record->length - at >= 4 && text[0] == '\\' && text[1] == 'x';
    int high = is_escape ? record_hex_digit(text[2]) : -1, low = is_escape ? record_hex_digit(text[3]) : -1;
    bool is_valid = high >= 0 && low >= 0;
    room[used] = is_valid ? (uint8_t)(high * 16 + low) : (uint8_t)text[0];
    at += is_valid ? 4 : 1;
  }
  *truncated = at < record->length;
  return used;
}

/* Writes a record in the protocol's form. Returns its size. */
static size_t record_encode(const struct record *record, uint8_t *room) {
  bool truncated;
  uint16_t priority = (uint16_t)record->priority;
  uint16_t length =
      (uint16_t)record_unescape(record, room + PV_RECORD_HEADER_SIZE, PV_MAX_RECORD_TEXT, &truncated);
  memcpy(room, &record->sequence, 8);
  memcpy(room + 8, &record->time_us, 8);
  memcpy(room + 16, &priority, 2);
  room[18] = (uint8_t)(record->flags | (truncated ? PV_RECORD_TRUNCATED : 0));
  memcpy(room + 19, &length, 2);
  return PV_RECORD_HEADER_SIZE + length;
}

/* ---- the position --------------------------------------------------------------------------- */

void log_init(struct control *control) { control->log = (struct log_follower){.kmsg = -1}; }

static int log_open(struct control *control) {
  struct log_follower *log = &control->log;
  const struct environment *environment = control->environment;
  if (log->kmsg >= 0) {
    return 0;
  }
  int fd = environment->kmsg;
  if (!environment->is_test) {
    fd = vfs_open_device(environment->private, S_IFCHR, makedev(CHARACTER_MEMORY, MINOR_KMSG),
                         O_RDONLY | O_NONBLOCK);
  }
  if (fd < 0) {
    return environment->is_test ? ENODEV : -fd;
  }
  log->kmsg = descriptor_hide(fd);
  /* Edge-triggered, because a log from which nothing may be read is always readable. */
  watch_add(&control->watches, log->kmsg, EPOLLIN | EPOLLET, WATCH_LOG, 0);
  return 0;
}

int log_follow(struct control *control, uint32_t start, uint32_t credit) {
  struct log_follower *log = &control->log;
  int error = log_open(control);
  if (error != 0) {
    return error;
  }
  if (start != PV_FOLLOW_CONTINUE) {
    sys_lseek(log->kmsg, 0, start == PV_FOLLOW_OLDEST ? SEEK_SET : SEEK_END);
    log->has_position = false;
  }
  log->active = log->may_have_more = true;
  log->credit = credit;
  log->lost = 0;
  log->token = 0;
  return 0;
}

void log_add_credit(struct control *control, uint32_t bytes) { control->log.credit += bytes; }

/*
 * The kernel does not tell where its log ends. But it keeps no more text than the size of its buffer, so when
 * as much has been read, everything from before has been read or overwritten.
 */
void log_sync(struct control *control, uint32_t token) {
  enum { SIZE_BUFFER = 10 };
  long size = sys_call3(SYS_syslog, SIZE_BUFFER, 0, 0);
  control->log.token = token;
  control->log.sync_left = size > 0 ? (uint64_t)size : RING_SIZE_DEFAULT;
  control->log.may_have_more = true;
}

void log_stop(struct control *control) {
  control->log.active = false;
  control->log.token = 0;
}

void log_ready(struct control *control) { control->log.may_have_more = true; }

/* ---- sending -------------------------------------------------------------------------------- */

static void log_note_position(struct log_follower *log, const struct record *record) {
  if (log->has_position && record->sequence > log->next) {
    log->lost += record->sequence - log->next;
  }
  log->next = record->sequence + 1;
  log->has_position = true;
  log->sync_left -= record->length < log->sync_left ? record->length : log->sync_left;
}

/* Reads records until the room is full or the log ends. Returns their size. */
static size_t log_read(struct log_follower *log, uint8_t *room, size_t size) {
  char bytes[READ_SIZE];
  size_t used = 0;
  while (size - used >= RECORD_MAX) {
    struct record record;
    long got = sys_read(log->kmsg, bytes, sizeof bytes);
    if (got == -EPIPE || got == -EINTR || got == -EINVAL) {
      continue; /* records were overwritten, or one is longer than any: the next sequence number shows it */
    }
    if (got <= 0) {
      log->may_have_more = false;
      break;
    }
    if (record_parse(bytes, (size_t)got, &record)) {
      log_note_position(log, &record);
      used += record_encode(&record, room + used);
    }
  }
  return used;
}

bool log_send(struct control *control) {
  static uint8_t message[MESSAGE_MAX];
  struct log_follower *log = &control->log;
  bool may_send =
      log->active && log->credit > 0 && !control->peer.quiesced && !outbox_is_full(&control->outbox);
  if (!may_send || !log->may_have_more) {
    return false;
  }
  size_t size = log_read(log, message + MESSAGE_HEADER, sizeof message - MESSAGE_HEADER);
  bool is_synced = log->token != 0 && (!log->may_have_more || log->sync_left == 0);
  if (size != 0 || is_synced) {
    uint32_t token = is_synced ? log->token : 0;
    memcpy(message, &log->lost, 8);
    memcpy(message + 8, &token, 4);
    outbox_send(&control->outbox, PV_LOG_RECORDS, message, (uint32_t)(MESSAGE_HEADER + size));
    log->credit -= (int64_t)(MESSAGE_HEADER + size);
    log->lost = 0;
    log->token = is_synced ? 0 : log->token;
  }
  return log->may_have_more;
}
