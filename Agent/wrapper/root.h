/* A root file system on a disk: found, mounted, given the injected files, and made "/". */
#ifndef PROVIUM_ROOT_H
#define PROVIUM_ROOT_H

#include "cmdline.h"

/*
 * Mounts line->root and changes into it. The initramfs stays alive underneath, reachable through `private`.
 * Does not return when it cannot.
 */
void root_enter(const struct cmdline *line, int private, int proc);

#endif
