#include "modules.h"

#include <string.h>

#include "console.h"
#include "sys.h"
#include "vfs.h"

enum { INIT_COMPRESSED_FILE = 4, LIST_SIZE = 32768 };

static bool ends_with(const char *text, const char *end) {
  size_t length = strlen(text), end_length = strlen(end);
  return length >= end_length && strcmp(text + length - end_length, end) == 0;
}

static long load(int directory, const char *name, const char *parameters) {
  long fd = sys_openat(directory, name, O_RDONLY | O_CLOEXEC, 0);
  if (fd < 0) {
    return fd;
  }
  long result =
      sys_call3(SYS_finit_module, fd, parameters, ends_with(name, ".ko") ? 0 : INIT_COMPRESSED_FILE);
  sys_close((int)fd);
  return result == -EEXIST ? 0 : result;
}

static void load_line(int directory, char *line) {
  char *parameters = line + strcspn(line, " \t");
  if (*parameters != 0) {
    *parameters++ = 0;
  }
  long result = load(directory, line, parameters);
  if (result != 0) {
    struct text text = {.length = 0};
    text_add(&text, "module ");
    text_add(&text, line);
    text_add(&text, ": ");
    text_add_errno(&text, (int)-result);
    console_say(text.data);
  }
}

void modules_load(int private) {
  static char list[LIST_SIZE];
  long directory = sys_openat(private, "modules", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
  if (directory < 0 || vfs_read(private, "modules.list", list, sizeof list) < 0) {
    return; /* nothing packed: everything is built in */
  }
  char *line = list;
  while (*line != 0) {
    char *next = line + strcspn(line, "\n");
    if (*next != 0) {
      *next++ = 0;
    }
    if (*line != 0 && *line != '#') {
      load_line((int)directory, line);
    }
    line = next;
  }
  sys_close((int)directory);
}
