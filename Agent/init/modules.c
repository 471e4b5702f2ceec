#include "modules.h"

#include <string.h>

#include "console.h"
#include "sys.h"
#include "vfs.h"

enum { INIT_COMPRESSED_FILE = 4, LIST_SIZE = 32768 };

static bool modules_name_ends_with(const char *text, const char *end) {
  size_t length = strlen(text), end_length = strlen(end);
  return length >= end_length && strcmp(text + length - end_length, end) == 0;
}

static long modules_load_file(int directory, const char *name, const char *parameters) {
  long fd = sys_openat(directory, name, O_RDONLY | O_CLOEXEC, 0);
  if (fd < 0) {
    return fd;
  }
  long result = sys_call3(SYS_finit_module, fd, parameters,
                          modules_name_ends_with(name, ".ko") ? 0 : INIT_COMPRESSED_FILE);
  sys_close((int)fd);
  return result == -EEXIST ? 0 : result;
}

static void modules_load_line(int directory, char *line) {
  char *parameters = line + strcspn(line, " \t");
  if (*parameters != 0) {
    *parameters++ = 0;
  }
  bool optional = line[0] == '?';
  line += optional;
  long result = modules_load_file(directory, line, parameters);
  if (result != 0 && !(optional && result == -ENODEV)) {
    struct text subject = {.length = 0};
    text_add(&subject, "module ");
    text_add(&subject, line);
    console_say_errno(subject.data, (int)-result);
  }
}

void modules_load(int private) {
  static char list[LIST_SIZE];
  long directory = sys_openat(private, "modules", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
  if (directory < 0 || vfs_read(private, "modules.list", list, sizeof list) < 0) {
    return; /* no modules packed: the drivers are built in */
  }
  char *line = list;
  while (*line != 0) {
    char *next = line + strcspn(line, "\n");
    if (*next != 0) {
      *next++ = 0;
    }
    if (*line != 0 && *line != '#') {
      modules_load_line((int)directory, line);
    }
    line = next;
  }
  sys_close((int)directory);
}
