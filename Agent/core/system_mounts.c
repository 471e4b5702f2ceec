#include "system_mounts.h"

#include <linux/stat.h>
#include <sys/mount.h>

#include "sys.h"

#ifndef STATX_ATTR_MOUNT_ROOT /* headers older than Linux 5.8 */
#define STATX_ATTR_MOUNT_ROOT 0x2000
#endif

struct system_mount {
  const char *type, *target;
  unsigned long flags;
  unsigned sets;
  bool is_optional; /* depends on the kernel's configuration */
};

enum { BOTH_SETS = SYSTEM_MOUNTS_VFS | SYSTEM_MOUNTS_USERLAND };

static const struct system_mount system_mounts[] = {
    {"proc", "/proc", MS_NOSUID | MS_NOEXEC | MS_NODEV, BOTH_SETS, false},
    {"sysfs", "/sys", MS_NOSUID | MS_NOEXEC | MS_NODEV, BOTH_SETS, false},
    {"devtmpfs", "/dev", MS_NOSUID, BOTH_SETS, false},
    {"devpts", "/dev/pts", MS_NOSUID | MS_NOEXEC, SYSTEM_MOUNTS_USERLAND, false},
    {"tmpfs", "/dev/shm", MS_NOSUID | MS_NODEV, SYSTEM_MOUNTS_USERLAND, false},
    {"securityfs", "/sys/kernel/security", MS_NOSUID | MS_NOEXEC | MS_NODEV, SYSTEM_MOUNTS_VFS, true},
};

/* Kernels before 5.8 do not report mount points: there, the device differs from that of the directory above.
 */
static bool system_mounts_is_mount_point(const char *target) {
  struct statx facts, above;
  if (sys_call5(SYS_statx, AT_FDCWD, target, 0, STATX_BASIC_STATS, &facts) != 0) {
    return false;
  }
  if ((facts.stx_attributes_mask & STATX_ATTR_MOUNT_ROOT) != 0) {
    return (facts.stx_attributes & STATX_ATTR_MOUNT_ROOT) != 0;
  }
  long directory = sys_open(target, O_PATH | O_DIRECTORY | O_CLOEXEC, 0);
  if (directory < 0) {
    return false;
  }
  long result = sys_call5(SYS_statx, directory, "..", 0, STATX_BASIC_STATS, &above);
  sys_close((int)directory);
  return result == 0 &&
         (facts.stx_dev_major != above.stx_dev_major || facts.stx_dev_minor != above.stx_dev_minor);
}

/*
 * Returns 0 or an errno. mount(2) itself refuses only a second mount of the same file system on the same
 * target, and stacks everything else on what is there.
 */
static int system_mounts_mount(const struct system_mount *mount) {
  if (system_mounts_is_mount_point(mount->target)) {
    return 0;
  }
  sys_call3(SYS_mkdirat, AT_FDCWD, mount->target, 0755);
  long result = sys_call5(SYS_mount, mount->type, mount->target, mount->type, mount->flags, 0);
  bool is_missing = mount->is_optional && (result == -ENODEV || result == -ENOENT);
  bool is_mounted = result == -EBUSY; /* by another process, after the check */
  return is_missing || is_mounted ? 0 : (int)-result;
}

/* The links that userlands expect in /dev; devtmpfs does not have them. Existing files stay. */
static void system_mounts_link_descriptors(void) {
  static const char *const links[][2] = {{"/proc/self/fd", "/dev/fd"},
                                         {"/proc/self/fd/0", "/dev/stdin"},
                                         {"/proc/self/fd/1", "/dev/stdout"},
                                         {"/proc/self/fd/2", "/dev/stderr"}};
  for (size_t i = 0; i < sizeof links / sizeof links[0]; i++) {
    sys_call3(SYS_symlinkat, links[i][0], AT_FDCWD, links[i][1]);
  }
}

bool system_mounts_apply(enum system_mounts_set set,
                         bool (*failed)(const char *target, int error, void *context), void *context) {
  for (size_t i = 0; i < sizeof system_mounts / sizeof system_mounts[0]; i++) {
    int error = (system_mounts[i].sets & set) != 0 ? system_mounts_mount(&system_mounts[i]) : 0;
    if (error != 0 && !failed(system_mounts[i].target, error, context)) {
      return false;
    }
  }
  system_mounts_link_descriptors();
  return true;
}
