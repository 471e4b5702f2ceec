/* The running place of a script. Only frames of script files ("@…") count, not Provium's own ("=[provium]").
 */
#include "border.h"

#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { TRACEBACK_FRAMES = 40 };

bool clb_where(lua_State *L, const char **file, size_t *length, int *line) {
  lua_Debug frame;
  for (int level = 0; lua_getstack(L, level, &frame); level++) {
    if (!lua_getinfo(L, "Sl", &frame) || frame.source[0] != '@' || frame.currentline <= 0) continue;
    *file = frame.source + 1;
    *length = strlen(*file);
    *line = frame.currentline;
    return true;
  }
  return false;
}

/* The caller frees it. NULL: no script is running. Does not raise. */
char *clb_traceback_where(lua_State *L, int *line) {
  const char *file;
  size_t length;
  return clb_where(L, &file, &length, line) ? strdup(file) : NULL;
}

struct text {
  char *bytes;
  size_t length;
};

__attribute__((format(printf, 2, 3))) static void text_append(struct text *text, const char *format, ...) {
  va_list arguments;
  char *piece = NULL;
  va_start(arguments, format);
  int length = vasprintf(&piece, format, arguments);
  va_end(arguments);
  if (length < 0) return;
  char *moved = realloc(text->bytes, text->length + (size_t)length + 1);
  if (moved != NULL) {
    memcpy(moved + text->length, piece, (size_t)length + 1);
    text->bytes = moved;
    text->length += (size_t)length;
  }
  free(piece);
}

/* One line a frame, innermost first. The caller frees it; NULL: none. Does not raise: no lua_pushfstring
 * here. */
char *clb_traceback(lua_State *L) {
  struct text text = {0};
  lua_Debug frame;
  int shown = 0;
  for (int level = 0; lua_getstack(L, level, &frame); level++) {
    if (!lua_getinfo(L, "Slnt", &frame) || frame.source[0] != '@' || frame.currentline <= 0) continue;
    if (shown++ == TRACEBACK_FRAMES) {
      text_append(&text, "...\n");
      break;
    }
    text_append(&text, "%s:%d: in ", frame.source + 1, frame.currentline);
    if (frame.what[0] == 'm') {
      text_append(&text, "main chunk\n");
    } else if (frame.namewhat[0] != 0) {
      text_append(&text, "%s '%s'\n", frame.namewhat[0] == 'm' ? frame.namewhat : "function", frame.name);
    } else {
      text_append(&text, "function <%s:%d>\n", frame.source + 1, frame.linedefined);
    }
  }
  return text.bytes;
}
