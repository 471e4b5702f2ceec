/*
 * The kernel's own file systems without mounting them where anybody sees it, and device nodes of our own: a
 * guest need not have /proc, /sys or /dev, and must not get them only because it is tested.
 */
#ifndef PROVIUM_VFS_H
#define PROVIUM_VFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/*
 * A directory descriptor of a fresh, detached mount of `type`, or -errno. `private` is the agent's own
 * directory (kernels before 5.2 need a place to mount it for a moment), negative if there is none.
 */
int vfs_open(const char *type, int private);

/* Reads at most size - 1 bytes and ends them with a zero; the length or -errno. */
long vfs_read(int directory, const char *path, char *text, size_t size);

/* "MAJOR:MINOR\n", as in sysfs, to a device number; 0 if it is none. */
uint64_t vfs_parse_device(const char *text);

/* Opens a device by number, through a node made for the purpose in `private` and removed again; or -errno. */
int vfs_open_device(int private, uint32_t type, uint64_t device, int flags);

/* Calls `visit` with each name in a directory until it returns true; whether it did. */
bool vfs_each(int directory, const char *path, bool (*visit)(int directory, const char *name, void *context),
              void *context);

#endif
