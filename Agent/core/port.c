#include "port.h"

#include <linux/netlink.h>
#include <string.h>
#include <sys/stat.h>

#include "sys.h"
#include "text.h"
#include "vfs.h"

int port_events_open(void) {
  long fd =
      sys_call3(SYS_socket, AF_NETLINK, SOCK_RAW | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_KOBJECT_UEVENT);
  if (fd < 0) {
    return (int)fd;
  }
  struct sockaddr_nl address = {.nl_family = AF_NETLINK, .nl_groups = 1};
  long result = sys_call3(SYS_bind, fd, &address, sizeof address);
  if (result < 0) {
    sys_close((int)fd);
    return (int)result;
  }
  return (int)fd;
}

void port_events_drain(int events) {
  char event[4096];
  long got;
  do {
    got = sys_read(events, event, sizeof event);
  } while (got > 0 || got == -ENOBUFS || got == -EINTR);
}

struct port_search {
  const char *name;
  uint64_t device;
};

static bool port_visit(int directory, const char *entry, void *context) {
  struct port_search *search = context;
  struct text path = {.length = 0};
  char value[128];
  text_add(&path, entry);
  text_add(&path, "/name");
  size_t length = strlen(search->name);
  /* The kernel sets the name after it creates the port, and reports a change event. */
  if (vfs_read(directory, path.data, value, sizeof value) < (long)length ||
      strncmp(value, search->name, length) != 0 || (value[length] != '\n' && value[length] != 0)) {
    return false;
  }
  path.length -= strlen("name");
  text_add(&path, "dev");
  if (vfs_read(directory, path.data, value, sizeof value) <= 0) {
    return false;
  }
  search->device = vfs_parse_device(value);
  return search->device != 0;
}

int port_open(int private, const char *name, int flags) {
  int sysfs = vfs_open("sysfs", private);
  if (sysfs < 0) {
    return sysfs;
  }
  struct port_search search = {name, 0};
  bool found = vfs_each(sysfs, "class/virtio-ports", port_visit, &search);
  sys_close(sysfs);
  return found ? vfs_open_device(private, S_IFCHR, search.device, O_RDWR | flags) : -ENOENT;
}
