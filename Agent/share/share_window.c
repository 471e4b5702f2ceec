#include "share_window.h"

#include <linux/stat.h>
#include <string.h>

#include "sys.h"
#include "text.h"
#include "vfs.h"

static bool window_has(int directory, const char *entry, const char *file, const char *expected) {
  struct text path = {.length = 0};
  char value[32];
  text_add(&path, entry);
  text_add(&path, file);
  return vfs_read(directory, path.data, value, sizeof value) > 0 &&
         strncmp(value, expected, strlen(expected)) == 0;
}

static bool window_visit(int directory, const char *entry, void *context) {
  int *resource = context;
  if (!window_has(directory, entry, "/vendor", "0x1af4") ||
      !window_has(directory, entry, "/device", "0x1110")) {
    return false;
  }
  struct text path = {.length = 0};
  text_add(&path, entry);
  text_add(&path, "/enable");
  /* No driver has switched the device's memory on. */
  long enable = sys_openat(directory, path.data, O_WRONLY | O_CLOEXEC, 0);
  if (enable >= 0) {
    sys_write((int)enable, "1", 1);
    sys_close((int)enable);
  }
  path.length -= strlen("enable");
  text_add(&path, "resource2"); /* the shared memory: docs/specs/ivshmem-spec of QEMU */
  *resource = (int)sys_openat(directory, path.data, O_RDONLY | O_CLOEXEC, 0);
  return *resource >= 0;
}

void share_window_open(struct share_window *window, int private) {
  int sysfs = vfs_open("sysfs", private);
  if (sysfs < 0) {
    return;
  }
  int resource = -1;
  if (vfs_each(sysfs, "bus/pci/devices", window_visit, &resource)) {
    struct statx facts;
    long result = sys_call5(SYS_statx, resource, "", AT_EMPTY_PATH, STATX_SIZE, &facts);
    long size = result == 0 ? (long)facts.stx_size : 0;
    if (size > 0 && size <= PV_WINDOW_MAX) {
      long memory = sys_call6(SYS_mmap, 0, size, PROT_READ, MAP_SHARED, resource, 0);
      window->memory = (unsigned long)memory <= (unsigned long)-4096l ? (const uint8_t *)memory : NULL;
      window->size = (size_t)size;
    }
    sys_close(resource);
  }
  sys_close(sysfs);
}

uint32_t share_window_check(const struct share_window *window, const uint8_t mark[PV_WINDOW_MARK_SIZE]) {
  if (window->memory == NULL) {
    return 0;
  }
  for (size_t at = 0; at < window->size; at += PV_WINDOW_PAGE) {
    if (memcmp(window->memory + at, mark, PV_WINDOW_MARK_SIZE) != 0) {
      return 0;
    }
  }
  return (uint32_t)window->size;
}

size_t share_window_take(struct share_window *window, const struct link_frame *frame, uint8_t *reply,
                         size_t size) {
  struct pv_link_placed placed;
  uint32_t length;
  if (window->memory == NULL || frame->length != sizeof placed) {
    return 0;
  }
  memcpy(&placed, frame->payload, sizeof placed);
  memcpy(&length, placed.reply, sizeof length);
  window->taken += placed.cost;
  if (placed.offset > window->size || placed.length > window->size - placed.offset ||
      placed.length > size - sizeof placed.reply || length != sizeof placed.reply + placed.length) {
    return 0;
  }
  memcpy(reply, placed.reply, sizeof placed.reply);
  /* The kernel does not write the memory of a device to /dev/fuse, so it is copied. */
  memcpy(reply + sizeof placed.reply, window->memory + placed.offset, placed.length);
  return length;
}
