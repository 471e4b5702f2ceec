#include "root.h"

#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>

#include "console.h"
#include "files.h"
#include "port.h"
#include "sys.h"
#include "vfs.h"

#define ROOT_PLACE "/.provium/root"
/* The name of a root that the kernel mounts itself; /proc/mounts shows it. */
#define ROOT_NODE "/dev/root"

enum { WAIT_MS = 10000, STEP_MS = 10 };

static NO_RETURN void root_fail(const struct cmdline *line, const char *what, int number, const char *more) {
  struct text text = {.length = 0};
  text_add(&text, what);
  text_add(&text, " ");
  text_add(&text, line->root);
  text_add(&text, ": ");
  text_add_errno(&text, number);
  text_add(&text, more);
  console_fail(&text);
}

/* ---- the device ----------------------------------------------------------------------------- */

static uint64_t root_find_device(int sysfs, const char *name) {
  struct text path = {.length = 0};
  char number[32];
  text_add(&path, "class/block/");
  text_add(&path, name);
  text_add(&path, "/dev");
  return vfs_read(sysfs, path.data, number, sizeof number) > 0 ? vfs_parse_device(number) : 0;
}

/* A driver finds its disks a moment after it is loaded. Each device event is a reason to search again. */
static uint64_t root_await_device(int private, const char *name) {
  int events = port_events_open();
  int sysfs = vfs_open("sysfs", private);
  int64_t end = sys_now_ms() + WAIT_MS;
  uint64_t device = sysfs >= 0 ? root_find_device(sysfs, name) : 0;
  while (sysfs >= 0 && device == 0 && sys_now_ms() < end) {
    struct pollfd poll = {events, POLLIN, 0};
    sys_poll(&poll, 1, events >= 0 ? end - sys_now_ms() : STEP_MS);
    if (events >= 0) {
      port_events_drain(events);
    }
    device = root_find_device(sysfs, name);
  }
  if (events >= 0) {
    sys_close(events);
  }
  if (sysfs >= 0) {
    sys_close(sysfs);
  }
  return device;
}

/* ---- the mount ------------------------------------------------------------------------------ */

struct root_options {
  unsigned long flags;
  struct text data; /* the file system's own options */
};

static struct root_options root_parse_options(const char *text) {
  static const struct {
    const char *name;
    unsigned long set, clear;
  } known[] = {{"ro", MS_RDONLY, 0},        {"rw", 0, MS_RDONLY},         {"nosuid", MS_NOSUID, 0},
               {"nodev", MS_NODEV, 0},      {"noexec", MS_NOEXEC, 0},     {"noatime", MS_NOATIME, 0},
               {"sync", MS_SYNCHRONOUS, 0}, {"relatime", MS_RELATIME, 0}, {"nodiratime", MS_NODIRATIME, 0}};
  struct root_options options = {MS_RDONLY, {.length = 0}};
  while (text != NULL && *text != 0) {
    size_t length = strcspn(text, ",");
    bool found = false;
    for (size_t i = 0; i < sizeof known / sizeof known[0] && !found; i++) {
      found = strlen(known[i].name) == length && strncmp(known[i].name, text, length) == 0;
      if (found) {
        options.flags = (options.flags | known[i].set) & ~known[i].clear;
      }
    }
    if (!found && length != 0) {
      text_add(&options.data, options.data.length != 0 ? "," : "");
      text_add_bytes(&options.data, text, length);
    }
    text += length + (text[length] == ',');
  }
  return options;
}

static int root_mount_as(const char *type, const struct root_options *options) {
  return (int)-sys_call5(SYS_mount, ROOT_NODE, ROOT_PLACE, type, options->flags, options->data.data);
}

/*
 * Tries every file system for block devices, in the kernel's order. Returns 0 or the most specific errno:
 * EINVAL says only that the disk has another file system.
 */
static int root_mount_any(int proc, const struct root_options *options, struct text *tried) {
  static char list[4096];
  int error = ENODEV;
  if (vfs_read(proc, "filesystems", list, sizeof list) < 0) {
    return ENOSYS;
  }
  text_add(tried, " (tried");
  for (char *line = list; *line != 0;) {
    char *next = line + strcspn(line, "\n");
    if (*next != 0) {
      *next++ = 0;
    }
    if (line[0] == '\t') { /* the others are "nodev\tNAME" */
      text_add(tried, " ");
      text_add(tried, line + 1);
      int result = root_mount_as(line + 1, options);
      if (result == 0) {
        return 0;
      }
      error = result == EINVAL && error != ENODEV ? error : result;
    }
    line = next;
  }
  text_add(tried, ")");
  return error;
}

static void root_mount(const struct cmdline *line, int private, int proc, struct root_options *options) {
  const char *name = strncmp(line->root, "/dev/", 5) == 0 ? line->root + 5 : line->root;
  uint64_t device = root_await_device(private, name);
  struct text tried = {.length = 0};
  if (device == 0) {
    root_fail(line, "cannot find root", ENODEV, " (no such device after 10 s; its driver may be missing)");
  }
  sys_call3(SYS_mkdirat, AT_FDCWD, "/dev", 0755);
  sys_call4(SYS_mknodat, AT_FDCWD, ROOT_NODE, S_IFBLK | 0600, device);
  sys_call3(SYS_mkdirat, AT_FDCWD, ROOT_PLACE, 0755);
  int error = line->root_type != NULL ? root_mount_as(line->root_type, options)
                                      : root_mount_any(proc, options, &tried);
  if (error == ENODEV && line->root_type != NULL) {
    text_add(&tried, " (the kernel has no file system ");
    text_add(&tried, line->root_type);
    text_add(&tried, ")");
  }
  if (error != 0) {
    root_fail(line, "cannot mount root", error, tried.data);
  }
}

/* ---- injected files ------------------------------------------------------------------------- */

/*
 * A read-only root gets the injected files too: an overlay keeps the changes in memory and becomes "/".
 */
static void root_add_overlay(const struct cmdline *line) {
  sys_call3(SYS_mkdirat, AT_FDCWD, "/.provium/overlay", 0700);
  long result = sys_call5(SYS_mount, "tmpfs", "/.provium/overlay", "tmpfs", 0, 0);
  sys_call3(SYS_mkdirat, AT_FDCWD, "/.provium/overlay/upper", 0755);
  sys_call3(SYS_mkdirat, AT_FDCWD, "/.provium/overlay/work", 0700);
  if (result == 0) {
    result =
        sys_call5(SYS_mount, "overlay", ROOT_PLACE, "overlay", 0,
                  "lowerdir=" ROOT_PLACE ",upperdir=/.provium/overlay/upper,workdir=/.provium/overlay/work");
  }
  if (result != 0) {
    root_fail(line, "cannot put injected files into the read-only root", (int)-result,
              " (overlayfs is needed: CONFIG_OVERLAY_FS)");
  }
}

static void root_inject_files(const struct cmdline *line, int private, const struct root_options *options) {
  long source = sys_openat(private, "files", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
  if (source < 0) {
    return;
  }
  if ((options->flags & MS_RDONLY) != 0) {
    root_add_overlay(line);
  }
  long target = sys_open(ROOT_PLACE, O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
  struct text failed = {.length = 0};
  int error = target < 0 ? (int)-target : files_copy((int)source, (int)target, &failed);
  if (error != 0) {
    root_fail(line, "cannot put injected files into the root", error, failed.data);
  }
  sys_close((int)target);
  sys_close((int)source);
}

void root_enter(const struct cmdline *line, int private, int proc) {
  struct root_options options = root_parse_options(line->root_flags);
  root_mount(line, private, proc, &options);
  root_inject_files(line, private, &options);
  /* Only /dev, as for a root that the kernel mounts itself. The rest is the task of the guest's init. */
  sys_call5(SYS_mount, "devtmpfs", ROOT_PLACE "/dev", "devtmpfs", MS_NOSUID, 0);
  long result = sys_call1(SYS_chdir, ROOT_PLACE);
  result = result == 0 ? sys_call5(SYS_mount, ".", "/", 0, MS_MOVE, 0) : result;
  result = result == 0 ? sys_call1(SYS_chroot, ".") : result;
  result = result == 0 ? sys_call1(SYS_chdir, "/") : result;
  if (result != 0) {
    root_fail(line, "cannot change to root", (int)-result, "");
  }
}
