#include "guest.h"

#include <sys/socket.h> /* which older kernel headers need before the next */

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

static int open_memory_device(const struct guest *guest, unsigned minor, const char *path) {
  if (guest->is_test) {
    return descriptor_hide((int)sys_open(path, O_RDWR | O_CLOEXEC, 0));
  }
  return descriptor_hide(vfs_open_device(guest->private, S_IFCHR, makedev(CHARACTER_MEMORY, minor), O_RDWR));
}

static void open_vsock(struct guest *guest) {
  int sysfs = vfs_open("sysfs", guest->private);
  char number[32];
  if (sysfs >= 0 && vfs_read(sysfs, "class/misc/vsock/dev", number, sizeof number) > 0) {
    guest->vsock =
        descriptor_hide(vfs_open_device(guest->private, S_IFCHR, vfs_parse_device(number), O_RDONLY));
  }
  if (sysfs >= 0) {
    sys_close(sysfs);
  }
}

/* Put there for a machine with vsock. Once it is known no process of the guest has a use for the file. */
static void take_secret(struct guest *guest) {
  long fd = sys_openat(guest->private, "secret", O_RDONLY | O_CLOEXEC, 0);
  if (fd >= 0) {
    guest->has_secret = sys_read((int)fd, guest->secret, sizeof guest->secret) == sizeof guest->secret;
    sys_close((int)fd);
    sys_call3(SYS_unlinkat, guest->private, "secret", 0);
  }
}

void guest_open(struct guest *guest, int private) {
  guest->private = descriptor_hide(private);
  guest->vsock = -1;
  guest->proc = guest->is_test ? (int)sys_open("/proc", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0)
                               : vfs_open("proc", guest->private);
  guest->proc = descriptor_hide(guest->proc);
  guest->null = open_memory_device(guest, MINOR_NULL, "/dev/null");
  guest->random = open_memory_device(guest, MINOR_URANDOM, "/dev/urandom");
  if (!guest->is_test) {
    open_vsock(guest);
    take_secret(guest);
  }
}

uint32_t guest_cid(struct guest *guest) {
  uint32_t cid = 0;
  if (guest->vsock < 0 && !guest->is_test) {
    open_vsock(guest);
  }
  if (guest->vsock < 0 || sys_ioctl(guest->vsock, IOCTL_VM_SOCKETS_GET_LOCAL_CID, &cid) < 0) {
    return 0;
  }
  return cid == VMADDR_CID_ANY || cid == VMADDR_CID_LOCAL ? 0 : cid;
}

void guest_set_oom_score(const struct guest *guest, const char *score) {
  if (guest->is_test || guest->proc < 0) {
    return;
  }
  long fd = sys_openat(guest->proc, "self/oom_score_adj", O_WRONLY | O_CLOEXEC, 0);
  if (fd >= 0) {
    sys_write((int)fd, score, strlen(score));
    sys_close((int)fd);
  }
}

int guest_memory_file(const struct guest *guest) {
  long fd = sys_memfd_create("provium", 1 /* MFD_CLOEXEC */);
  if (fd == -ENOSYS && guest->private >= 0) {
    struct text name = {.length = 0};
    text_add(&name, "file-");
    text_add_number(&name, sys_call0(SYS_gettid));
    fd = sys_openat(guest->private, name.data, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC, 0600);
    sys_call3(SYS_unlinkat, guest->private, name.data, 0);
  }
  return descriptor_hide((int)fd);
}
