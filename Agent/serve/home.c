#include "home.h"

#include <stdbool.h>
#include <string.h>

#include "sys.h"

enum { PASSWD_MAX = 1 << 20, READ_SIZE = 4096 };

/* Fields of a line of passwd(5): name:password:uid:gid:comment:home:shell. */
enum { FIELD_UID = 2, FIELD_HOME = 5 };

/* Reads passwd(5) byte by byte, because a line can be longer than any buffer. */
struct home_reader {
  uint64_t uid;
  int field;
  bool is_number, matches; /* the uid of the present line, and whether it is the wanted one */
  uint64_t number;
  struct text home;
};

static void home_start_line(struct home_reader *reader) {
  reader->field = 0;
  reader->number = 0;
  reader->is_number = true;
  reader->matches = false;
  reader->home.length = 0;
}

/* Returns true when the wanted line is complete. */
static bool home_take(struct home_reader *reader, char c) {
  if (c == '\n') {
    bool done = reader->matches && reader->home.length != 0;
    if (!done) {
      home_start_line(reader);
    }
    return done;
  }
  if (c == ':') {
    bool is_uid = reader->field == FIELD_UID;
    reader->matches = reader->matches || (is_uid && reader->is_number && reader->number == reader->uid);
    reader->field++;
    return false;
  }
  if (reader->field == FIELD_UID) {
    bool is_digit = c >= '0' && c <= '9' && reader->number <= UINT32_MAX;
    reader->is_number = reader->is_number && is_digit;
    reader->number = is_digit ? reader->number * 10 + (uint64_t)(c - '0') : reader->number;
  } else if (reader->field == FIELD_HOME && reader->matches) {
    text_add_bytes(&reader->home, &c, 1);
  }
  return false;
}

static bool home_read(int fd, struct home_reader *reader) {
  char bytes[READ_SIZE];
  long got;
  for (long total = 0; total < PASSWD_MAX && (got = sys_read(fd, bytes, sizeof bytes)) > 0; total += got) {
    for (long i = 0; i < got; i++) {
      if (home_take(reader, bytes[i])) {
        return true;
      }
    }
  }
  return home_take(reader, '\n'); /* the last line may lack it */
}

void home_find(struct text *home) {
  struct home_reader reader = {.uid = (uint64_t)sys_call0(SYS_geteuid)};
  home_start_line(&reader);
  /* Not blocking, because a test can put a FIFO there. */
  long fd = sys_open("/etc/passwd", O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY, 0);
  bool found = fd >= 0 && home_read((int)fd, &reader);
  if (fd >= 0) {
    sys_close((int)fd);
  }
  home->length = 0;
  text_add(home, found ? reader.home.data : "/");
}
