/* The provium.* parameters of the kernel command line. */
#ifndef PROVIUM_CMDLINE_H
#define PROVIUM_CMDLINE_H

struct cmdline {
  char text[4096];        /* COMMAND_LINE_SIZE is 2048 on x86 and arm64; the values below point into it */
  const char *init;       /* provium.init: the guest's own init; NULL: /sbin/init */
  const char *root;       /* provium.root: a device; NULL: the initramfs is the root */
  const char *root_type;  /* provium.rootfstype; NULL: try all */
  const char *root_flags; /* provium.rootflags; NULL: read-only */
  const char *mounts;     /* provium.mounts: set for Provium's own userland, see init.c */
};

/* Splits line->text in place. A value may be in double quotes. */
void cmdline_parse(struct cmdline *line);

#endif
