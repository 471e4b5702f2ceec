/* A root file system on a disk. */
#ifndef PROVIUM_ROOT_H
#define PROVIUM_ROOT_H

#include "cmdline.h"

/*
 * Mounts line->root, copies the injected files into it and makes it "/". The initramfs stays reachable
 * through `private`. Ends the boot with a message when it fails.
 */
void root_enter(const struct cmdline *line, int private, int proc);

#endif
