/* What the wrapper tells: single lines in the kernel log, which the host reads on the console. */
#ifndef PROVIUM_CONSOLE_H
#define PROVIUM_CONSOLE_H

#include "sys.h"
#include "text.h"

/* `private`: the directory in which a node of /dev/kmsg may be made. */
void console_open(int private);

/* "provium: LINE", at a level that loglevel=5 shows. */
void console_say(const char *line);

/* "provium: stage NAME": how far the boot has come. */
void console_stage(const char *name);

/* The line, and the end: process 1 that exits is a kernel panic, which the host notices at once. */
NO_RETURN void console_fail(const struct text *line);

#endif
