/* Messages of the init wrapper: single lines in the kernel log, which the host reads on the console. */
#ifndef PROVIUM_CONSOLE_H
#define PROVIUM_CONSOLE_H

#include "sys.h"
#include "text.h"

/* Opens the kernel log. `private`: the directory for the device node. */
void console_open(int private);

/* Writes "provium: LINE" at a level that loglevel=5 shows. */
void console_say(const char *line);

/* Writes "provium: SUBJECT: ERRNO". */
void console_say_errno(const char *subject, int number);

/* Writes "provium: stage NAME": how far the boot has come. */
void console_stage(const char *name);

/* Writes the line and ends process 1, which makes the kernel panic: the host notices at once. */
NO_RETURN void console_fail(const struct text *line);

/* Fails with "SUBJECT: ERRNO". */
NO_RETURN void console_fail_errno(const char *subject, int number);

#endif
