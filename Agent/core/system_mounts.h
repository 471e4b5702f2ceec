/* The file systems that programs expect in every Linux system, and where they are mounted. */
#ifndef PROVIUM_SYSTEM_MOUNTS_H
#define PROVIUM_SYSTEM_MOUNTS_H

#include <stdbool.h>

enum system_mounts_set {
  SYSTEM_MOUNTS_VFS = 1u << 0,      /* of the request MOUNT_VFS */
  SYSTEM_MOUNTS_USERLAND = 1u << 1, /* of Provium's own userland, which has no init that mounts them */
};

/*
 * Mounts the file systems of a set, in order, and creates /dev/fd, /dev/stdin, /dev/stdout and /dev/stderr. A
 * target that is a mount point already, and a file that exists, are left alone. Calls `failed` for each mount
 * that fails, and stops when `failed` returns false. Returns false when stopped.
 */
bool system_mounts_apply(enum system_mounts_set set,
                         bool (*failed)(const char *target, int error, void *context), void *context);

#endif
