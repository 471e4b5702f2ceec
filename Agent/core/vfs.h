/*
 * Kernel file systems (proc, sysfs) and device nodes for the agent's own use. They are mounted and created
 * where no program of the guest sees them: a guest may lack /proc, /sys and /dev, and a test must not change
 * that.
 */
#ifndef PROVIUM_VFS_H
#define PROVIUM_VFS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* An entry as getdents64(2) returns it: struct linux_dirent64. */
struct vfs_entry {
  uint64_t inode;
  int64_t offset;
  uint16_t length;
  uint8_t type;
  char name[];
};

/*
 * Returns a directory descriptor of a new, detached mount of `type`, or -errno. Kernels before 5.2 need a
 * place to mount it for a moment: `private` is the agent's own directory, negative if there is none.
 */
int vfs_open(const char *type, int private);

/* Reads at most size - 1 bytes of a file and adds a zero. Returns the length or -errno. */
long vfs_read(int directory, const char *path, char *text, size_t size);

/* Parses "MAJOR:MINOR\n", as in sysfs, to a device number. Returns 0 for other text. */
uint64_t vfs_parse_device(const char *text);

/* Opens a device by its number, through a temporary node in `private`. Returns a descriptor or -errno. */
int vfs_open_device(int private, uint32_t type, uint64_t device, int flags);

/*
 * Calls `visit` with each name in a directory that does not begin with a dot, until `visit` returns true.
 * Returns whether it did.
 */
bool vfs_each(int directory, const char *path, bool (*visit)(int directory, const char *name, void *context),
              void *context);

#endif
