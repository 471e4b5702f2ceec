#include "vfs.h"

#include <string.h>
#include <sys/mount.h>
#include <sys/sysmacros.h>

#include "sys.h"
#include "text.h"

/* The same numbers everywhere; headers older than Linux 5.2 lack them. */
enum { SYSCALL_FSOPEN = 430, SYSCALL_FSCONFIG = 431, SYSCALL_FSMOUNT = 432 };
enum { FLAG_CLOEXEC = 1, CONFIG_CREATE = 6 };
#ifndef MNT_DETACH
#define MNT_DETACH 2
#endif

/* Mounts the file system in the private directory, opens it, and unmounts it lazily. */
static int vfs_open_by_mount(const char *type, int private) {
  if (private < 0) {
    return -ENOSYS;
  }
  /* mount(2) takes no directory descriptor. Changing the working directory is safe: this runs at start-up
   * only. */
  long here = sys_open(".", O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
  long result = sys_call1(SYS_fchdir, private);
  if (result == 0) {
    sys_call3(SYS_mkdirat, private, "mount", 0700);
    result = sys_call5(SYS_mount, type, "mount", type, 0, 0);
    if (result == 0) {
      result = sys_openat(private, "mount", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
      sys_call2(SYS_umount2, "mount", MNT_DETACH);
    }
    sys_call3(SYS_unlinkat, private, "mount", AT_REMOVEDIR);
  }
  if (here >= 0) {
    sys_call1(SYS_fchdir, here);
    sys_close((int)here);
  }
  return (int)result;
}

int vfs_open(const char *type, int private) {
  long context = sys_call2(SYSCALL_FSOPEN, type, FLAG_CLOEXEC);
  if (context == -ENOSYS) {
    return vfs_open_by_mount(type, private);
  }
  if (context < 0) {
    return (int)context;
  }
  long result = sys_call5(SYSCALL_FSCONFIG, context, CONFIG_CREATE, 0, 0, 0);
  if (result == 0) {
    result = sys_call3(SYSCALL_FSMOUNT, context, FLAG_CLOEXEC, 0);
  }
  sys_close((int)context);
  return (int)result;
}

long vfs_read(int directory, const char *path, char *text, size_t size) {
  long fd = sys_openat(directory, path, O_RDONLY | O_CLOEXEC, 0);
  if (fd < 0) {
    return fd;
  }
  size_t length = 0;
  long got;
  while ((got = sys_read((int)fd, text + length, size - 1 - length)) > 0) {
    length += (size_t)got;
  }
  sys_close((int)fd);
  text[length] = 0;
  return got < 0 ? got : (long)length;
}

static const char *vfs_parse_number(const char *text, unsigned *number) {
  *number = 0;
  while (*text >= '0' && *text <= '9') {
    *number = *number * 10 + (unsigned)(*text++ - '0');
  }
  return text;
}

uint64_t vfs_parse_device(const char *text) {
  unsigned major_number, minor_number;
  text = vfs_parse_number(text, &major_number);
  if (*text != ':') {
    return 0;
  }
  vfs_parse_number(text + 1, &minor_number);
  return makedev(major_number, minor_number);
}

int vfs_open_device(int private, uint32_t type, uint64_t device, int flags) {
  struct text name = {.length = 0};
  text_add(&name, "node-"); /* control and the main agent start at the same time: one name for each */
  text_add_number(&name, sys_getpid());
  long result = sys_call4(SYS_mknodat, private, name.data, type | 0600, device);
  if (result < 0) {
    return (int)result;
  }
  result = sys_openat(private, name.data, flags | O_CLOEXEC | O_NOCTTY, 0);
  sys_call3(SYS_unlinkat, private, name.data, 0);
  return (int)result;
}

bool vfs_each(int directory, const char *path, bool (*visit)(int, const char *, void *), void *context) {
  long fd = sys_openat(directory, path, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
  if (fd < 0) {
    return false;
  }
  _Alignas(8) char entries[2048];
  bool found = false;
  long got;
  while (!found && (got = sys_call3(SYS_getdents64, fd, entries, sizeof entries)) > 0) {
    for (long at = 0; at < got && !found;) {
      const struct vfs_entry *entry = (const struct vfs_entry *)(entries + at);
      at += entry->length;
      if (entry->name[0] != '.') {
        found = visit((int)fd, entry->name, context);
      }
    }
  }
  sys_close((int)fd);
  return found;
}
