#include "cmdline.h"

#include <stdbool.h>
#include <stddef.h>
#include <string.h>

static bool cmdline_is_space(char c) { return c == ' ' || c == '\t' || c == '\n'; }

/* Returns the value after NAME=, without quotes; NULL if the word is another parameter. */
static const char *cmdline_value_of(char *word, const char *name) {
  size_t length = strlen(name);
  if (strncmp(word, name, length) != 0 || word[length] != '=') {
    return NULL;
  }
  char *value = word + length + 1;
  size_t size = strlen(value);
  if (size >= 2 && value[0] == '"' && value[size - 1] == '"') {
    value[size - 1] = 0;
    value++;
  }
  return *value != 0 ? value : NULL;
}

static void cmdline_take_word(struct cmdline *line, char *word) {
  const struct {
    const char *name;
    const char **value;
  } parameters[] = {{"provium.init", &line->init},
                    {"provium.root", &line->root},
                    {"provium.rootfstype", &line->root_type},
                    {"provium.rootflags", &line->root_flags},
                    {"provium.mounts", &line->mounts}};
  for (size_t i = 0; i < sizeof parameters / sizeof parameters[0]; i++) {
    const char *value = cmdline_value_of(word, parameters[i].name);
    if (value != NULL) {
      *parameters[i].value = value;
    }
  }
}

void cmdline_parse(struct cmdline *line) {
  char *at = line->text;
  line->init = line->root = line->root_type = line->root_flags = line->mounts = NULL;
  while (*at != 0) {
    while (cmdline_is_space(*at)) {
      at++;
    }
    char *word = at;
    bool quoted = false;
    while (*at != 0 && (quoted || !cmdline_is_space(*at))) {
      quoted ^= *at++ == '"';
    }
    if (*at != 0) {
      *at++ = 0;
    }
    cmdline_take_word(line, word);
  }
}
