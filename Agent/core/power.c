#include "power.h"

#include <linux/reboot.h>
#include <string.h>
#include <sys/mount.h>

#include "sys.h"
#include "vfs.h"

/* sync(2) alone saves all data; the remount also marks the file systems clean. */
static void power_remount_read_only(const struct environment *environment) {
  char mounts[4096], *line = mounts;
  if (environment->proc < 0 || vfs_read(environment->proc, "self/mounts", mounts, sizeof mounts) <= 0) {
    return;
  }
  while (*line != 0) {
    char *target = strchr(line, ' ');
    char *end = target != NULL ? strchr(target + 1, ' ') : NULL;
    char *next = strchr(line, '\n');
    if (line[0] == '/' && end != NULL) { /* a device, not a file system of the kernel */
      *end = 0;
      sys_call5(SYS_mount, 0, target + 1, 0, MS_REMOUNT | MS_RDONLY, 0);
    }
    if (next == NULL) {
      break;
    }
    line = next + 1;
  }
}

void power_off(const struct environment *environment) {
  if (environment->is_test) {
    sys_exit(0);
  }
  sys_call0(SYS_sync);
  power_remount_read_only(environment);
  sys_call4(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_POWER_OFF, 0);
}
