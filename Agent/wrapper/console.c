#include "console.h"

#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "vfs.h"

static int kmsg = -1;

void console_open(int private) { kmsg = vfs_open_device(private, S_IFCHR, makedev(1, 11), O_WRONLY); }

void console_say(const char *line) {
  struct text text = {.length = 0};
  text_add(&text, "<4>provium: ");
  text_add(&text, line);
  text_add(&text, "\n");
  if (kmsg >= 0) {
    sys_write(kmsg, text.data, text.length);
  } else {
    sys_write(2, text.data + 3, text.length - 3); /* a kernel without printk: /dev/console, if there is one */
  }
}

void console_stage(const char *name) {
  struct text text = {.length = 0};
  text_add(&text, "stage ");
  text_add(&text, name);
  console_say(text.data);
}

NO_RETURN void console_fail(const struct text *line) {
  struct text text = {.length = 0};
  text_add(&text, "cannot go on: ");
  text_add(&text, line->data);
  console_say(text.data);
  sys_call0(SYS_sync);
  /* The host ends the machine when it reads that; a panic of the kernel would bury the line under its own. */
  sys_sleep_ms(5000);
  sys_exit(1);
}
