#include "environment.h"

#include <sys/socket.h> /* older kernel headers need it before linux/vm_sockets.h */

#include <linux/vm_sockets.h>
#include <sys/ioctl.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "descriptor.h"
#include "sys.h"
#include "text.h"
#include "vfs.h"

enum { CHARACTER_MEMORY = 1, MINOR_NULL = 3, MINOR_URANDOM = 9 }; /* Documentation/admin-guide/devices.txt */

static int environment_open_memory_device(const struct environment *environment, unsigned minor,
                                          const char *path) {
  if (environment->is_test) {
    return descriptor_hide((int)sys_open(path, O_RDWR | O_CLOEXEC, 0));
  }
  return descriptor_hide(
      vfs_open_device(environment->private, S_IFCHR, makedev(CHARACTER_MEMORY, minor), O_RDWR));
}

static void environment_open_vsock(struct environment *environment) {
  int sysfs = vfs_open("sysfs", environment->private);
  char number[32];
  if (sysfs >= 0 && vfs_read(sysfs, "class/misc/vsock/dev", number, sizeof number) > 0) {
    environment->vsock =
        descriptor_hide(vfs_open_device(environment->private, S_IFCHR, vfs_parse_device(number), O_RDONLY));
  }
  if (sysfs >= 0) {
    sys_close(sysfs);
  }
}

/* The host puts the file there for a VM with vsock. No process of the guest may read it later. */
static void environment_take_secret(struct environment *environment) {
  long fd = sys_openat(environment->private, "secret", O_RDONLY | O_CLOEXEC, 0);
  if (fd >= 0) {
    environment->has_secret =
        sys_read((int)fd, environment->secret, sizeof environment->secret) == sizeof environment->secret;
    sys_close((int)fd);
    sys_call3(SYS_unlinkat, environment->private, "secret", 0);
  }
}

void environment_open(struct environment *environment, int private) {
  environment->private = descriptor_hide(private);
  environment->vsock = environment->shares = -1;
  environment->proc = environment->is_test ? (int)sys_open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0)
                                           : vfs_open("proc", environment->private);
  environment->proc = descriptor_hide(environment->proc);
  environment->null = environment_open_memory_device(environment, MINOR_NULL, "/dev/null");
  environment->random = environment_open_memory_device(environment, MINOR_URANDOM, "/dev/urandom");
  if (!environment->is_test) {
    environment_open_vsock(environment);
    environment_take_secret(environment);
  }
}

uint32_t environment_cid(struct environment *environment) {
  uint32_t cid = 0;
  if (environment->vsock < 0 && !environment->is_test) {
    environment_open_vsock(environment);
  }
  if (environment->vsock < 0 || sys_ioctl(environment->vsock, IOCTL_VM_SOCKETS_GET_LOCAL_CID, &cid) < 0) {
    return 0;
  }
  return cid == VMADDR_CID_ANY || cid == VMADDR_CID_LOCAL ? 0 : cid;
}

void environment_set_oom_score(const struct environment *environment, const char *score) {
  if (environment->is_test || environment->proc < 0) {
    return;
  }
  long fd = sys_openat(environment->proc, "self/oom_score_adj", O_WRONLY | O_CLOEXEC, 0);
  if (fd >= 0) {
    sys_write((int)fd, score, strlen(score));
    sys_close((int)fd);
  }
}

int environment_memory_file(const struct environment *environment) {
  long fd = sys_memfd_create("provium", 1 /* MFD_CLOEXEC */);
  if (fd == -ENOSYS && environment->private >= 0) {
    struct text name = {.length = 0};
    text_add(&name, "file-");
    text_add_number(&name, sys_call0(SYS_gettid));
    fd = sys_openat(environment->private, name.data, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    sys_call3(SYS_unlinkat, environment->private, name.data, 0);
  }
  return descriptor_hide((int)fd);
}
