#include "console.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "vfs.h"

enum { CHARACTER_MEMORY = 1, MINOR_KMSG = 11, LAST_WORDS_MS = 5000 };

static int console_kmsg = -1;

void console_open(int private) {
  console_kmsg = vfs_open_device(private, S_IFCHR, makedev(CHARACTER_MEMORY, MINOR_KMSG), O_WRONLY);
}

/* Levels of the kernel log. The console shows an emergency whatever its own level is. */
#define LEVEL_EMERGENCY "<0>"
#define LEVEL_WARNING "<4>"
enum { LEVEL_SIZE = 3 };

static void console_write(const char *level, const char *prefix, const char *line) {
  struct text text = {.length = 0};
  text_add(&text, level);
  text_add(&text, "provium: ");
  text_add(&text, prefix);
  text_add(&text, line);
  text_add(&text, "\n");
  if (console_kmsg >= 0) {
    sys_write(console_kmsg, text.data, text.length);
  } else { /* a kernel without printk: /dev/console, if the guest has it */
    sys_write(2, text.data + LEVEL_SIZE, text.length - LEVEL_SIZE);
  }
}

void console_say(const char *line) { console_write(LEVEL_WARNING, "", line); }

static void console_add_errno(struct text *text, const char *subject, int number) {
  text_add(text, subject);
  text_add(text, ": ");
  text_add_errno(text, number);
}

void console_say_errno(const char *subject, int number) {
  struct text text = {.length = 0};
  console_add_errno(&text, subject, number);
  console_say(text.data);
}

void console_stage(const char *name) { console_write(LEVEL_WARNING, "stage ", name); }

NO_RETURN void console_fail(const struct text *line) {
  console_write(LEVEL_EMERGENCY, "cannot go on: ", line->data);
  sys_call0(SYS_sync);
  /* The host ends the VM when it reads the line. A kernel panic would hide the line among its own. */
  sys_sleep_ms(LAST_WORDS_MS);
  sys_exit(1);
}

NO_RETURN void console_fail_errno(const char *subject, int number) {
  struct text text = {.length = 0};
  console_add_errno(&text, subject, number);
  console_fail(&text);
}
