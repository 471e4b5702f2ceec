/* Pseudo-terminals for processes. */
#ifndef PROVIUM_TERMINAL_H
#define PROVIUM_TERMINAL_H

#include <stdint.h>

struct terminal {
  int master; /* close-on-exec, does not block */
  int slave;  /* close-on-exec */
};

/*
 * Opens a pseudo-terminal of the given size. Uses the mount of devpts at /dev/pts where there is one, so that
 * ttyname(3) finds a name; otherwise a new instance of devpts that is mounted nowhere, so that guests without
 * /dev/pts have terminals too. Returns 0 or -errno.
 */
int terminal_open(struct terminal *terminal, uint16_t columns, uint16_t rows);

/* Sets the size, of which the kernel tells the foreground processes with SIGWINCH. Returns 0 or -errno. */
int terminal_resize(int master, uint16_t columns, uint16_t rows);

/*
 * Sends a signal to the foreground process group. Returns -EINVAL for signals that the kernel does not take
 * here: it takes those that a terminal's keys send (drivers/tty/pty.c, pty_signal).
 */
int terminal_signal(int master, uint32_t signal);

#endif
