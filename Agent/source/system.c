/* What a shell and its tools would otherwise be needed for: KERNEL_LOG, MOUNT, MOUNT_VFS, SHUTDOWN; and
 * STATE. */
#include <linux/reboot.h>
#include <linux/stat.h>
#include <sys/mount.h>
#include <sys/resource.h>

#include "agent.h"
#include "descriptor.h"
#include "job.h"
#include "sys.h"
#include "vfs.h"

#ifndef STATX_ATTR_MOUNT_ROOT /* headers older than Linux 5.8 */
#define STATX_ATTR_MOUNT_ROOT 0x2000
#endif

static bool is_malformed(struct agent *agent, struct span payload) {
  bool malformed = decode_nothing(payload) != 0;
  if (malformed) {
    reply_error(&agent->connection, EINVAL, "the request has no payload");
  }
  return malformed;
}

/* syslog(2) needs neither /dev/kmsg nor /proc. */
void handle_kernel_log(struct agent *agent, struct span payload) {
  enum { READ_ALL = 3, SIZE_BUFFER = 10 };
  struct connection *connection = &agent->connection;
  if (is_malformed(agent, payload)) {
    return;
  }
  long size = sys_call3(SYS_syslog, SIZE_BUFFER, 0, 0);
  long length = size;
  if (size > 0) {
    /* Each line gains a time stamp on its way out, so the ring's size is no limit; twice that is. */
    size *= 2;
    length = buffer_reserve(&agent->arena, (size_t)size);
    length = length == 0 ? sys_call3(SYS_syslog, READ_ALL, agent->arena.data, size) : length;
  }
  if (length < 0) {
    reply_error(connection, (int)-length, "cannot read the kernel log");
    return;
  }
  for (long at = 0; at < length;) {
    long piece = length - at < (long)PV_PIECE_SIZE ? length - at : (long)PV_PIECE_SIZE;
    reply_begin(connection, PV_DATA);
    reply_bytes(connection, agent->arena.data + at, (size_t)piece);
    if (!reply_send(connection)) {
      return;
    }
    at += piece;
  }
  reply_done(connection, length);
}

/* ---- mounts --------------------------------------------------------------------------------- */

/* Before Linux 5.8 a mount is told by its device, which is not that of the directory above it. */
static bool is_mounted(const char *target) {
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
 * What somebody has mounted there stays, whatever it is. mount(2) itself refuses a second mount only of the
 * very same file system on the same place, and stacks everything else.
 */
static int mount_vfs(const char *type, const char *target) {
  if (is_mounted(target)) {
    return 0;
  }
  sys_call3(SYS_mkdirat, AT_FDCWD, target, 0755);
  long result =
      sys_call5(SYS_mount, type, target, type, MS_NOSUID | (type[0] == 'd' ? 0 : MS_NOEXEC | MS_NODEV), 0);
  return result == -EBUSY ? 0 : (int)-result; /* another one was quicker */
}

void handle_mount_vfs(struct agent *agent, struct span payload) {
  static const struct {
    const char *type, *target;
    bool may_lack; /* depends on the kernel's configuration */
  } mounts[] = {{"proc", "/proc", false},
                {"sysfs", "/sys", false},
                {"devtmpfs", "/dev", false},
                {"securityfs", "/sys/kernel/security", true}};
  struct connection *connection = &agent->connection;
  if (is_malformed(agent, payload)) {
    return;
  }
  for (size_t i = 0; i < sizeof mounts / sizeof mounts[0]; i++) {
    int error = mount_vfs(mounts[i].type, mounts[i].target);
    if (error != 0 && !(mounts[i].may_lack && (error == ENODEV || error == ENOENT))) {
      const char *target = mounts[i].target;
      reply_error_path(connection, error, "mount",
                       (struct span){(const uint8_t *)target, (uint32_t)strlen(target)});
      return;
    }
  }
  reply_done(connection, 0);
}

void handle_mount(struct agent *agent, struct span payload) {
  struct connection *connection = &agent->connection;
  struct mount_request request;
  if (decode_mount(payload, &request) != 0) {
    reply_error(connection, EINVAL, "malformed mount request");
    return;
  }
  size_t used = 0;
  if (buffer_reserve(&agent->arena, (size_t)payload.length + 4) != 0) {
    reply_error(connection, ENOMEM, "no memory for the mount request");
    return;
  }
  const char *source = agent_copy_string(agent, request.source, &used);
  const char *target = agent_copy_string(agent, request.target, &used);
  const char *type = agent_copy_string(agent, request.type, &used);
  const char *data = agent_copy_string(agent, request.data, &used);
  long result = sys_call5(SYS_mount, source, target, request.type.length != 0 ? type : NULL, request.flags,
                          request.data.length != 0 ? data : NULL);
  if (result < 0) {
    reply_error_path(connection, (int)-result, "mount", request.target);
  } else {
    reply_done(connection, 0);
  }
}

/* ---- shutdown ------------------------------------------------------------------------------- */

/* A file system that is written to loses nothing in sync(2); read-only it is also marked clean. */
static void remount_read_only(const struct guest *guest) {
  char mounts[4096], *line = mounts;
  if (guest->proc < 0 || vfs_read(guest->proc, "self/mounts", mounts, sizeof mounts) <= 0) {
    return;
  }
  while (*line != 0) {
    char *target = strchr(line, ' ');
    char *end = target != NULL ? strchr(target + 1, ' ') : NULL;
    char *next = strchr(line, '\n');
    if (line[0] == '/' && end != NULL) { /* a device, not a kernel's own file system */
      *end = 0;
      sys_call5(SYS_mount, 0, target + 1, 0, MS_REMOUNT | MS_RDONLY, 0);
    }
    if (next == NULL) {
      break;
    }
    line = next + 1;
  }
}

void system_power_off(const struct guest *guest) {
  if (guest->is_test) {
    sys_exit(0);
  }
  sys_call0(SYS_sync);
  remount_read_only(guest);
  sys_call4(SYS_reboot, LINUX_REBOOT_MAGIC1, LINUX_REBOOT_MAGIC2, LINUX_REBOOT_CMD_POWER_OFF, 0);
}

void handle_shutdown(struct agent *agent, struct span payload) {
  if (is_malformed(agent, payload)) {
    return;
  }
  agent_send_ready(agent);
  system_power_off(agent->guest);
}

/* ---- state ---------------------------------------------------------------------------------- */

/* A count that is known only after what it counts: written into the place kept for it. */
static size_t keep_count(struct connection *connection) {
  reply_u32(connection, 0);
  return connection->out_end - sizeof(uint32_t);
}

static void set_count(struct connection *connection, size_t place, uint32_t count) {
  if (!connection->out_failed) {
    memcpy(connection->out.data + place, &count, sizeof count);
  }
}

static void add_jobs(struct agent *agent) {
  struct connection *connection = &agent->connection;
  size_t place = keep_count(connection);
  uint32_t count = 0;
  for (uint32_t i = 0; i < PV_MAX_JOBS; i++) {
    const struct job *job = &agent->jobs[i];
    if (job_is_kept(agent, job)) {
      reply_u32(connection, job->id);
      reply_u32(connection, (uint32_t)job->pid);
      reply_u8(connection, !job_entry(agent, job)->ended);
      count++;
    }
  }
  set_count(connection, place, count);
}

static void add_workers(struct agent *agent) {
  struct connection *connection = &agent->connection;
  size_t place = keep_count(connection);
  uint32_t count = 0;
  for (uint32_t n = 1; n <= PV_MAX_WORKERS; n++) {
    const struct slot *slot = &agent->guest->shared->slots[n];
    if (slot->state == SLOT_ALIVE) {
      reply_u32(connection, n);
      reply_u32(connection, (uint32_t)slot->pid);
      reply_u8(connection, (uint8_t)slot->is_thread);
      count++;
    }
  }
  set_count(connection, place, count);
}

static void add_descriptors(struct agent *agent) {
  enum { LOOK_AT_MOST = 4096 };
  struct connection *connection = &agent->connection;
  struct rlimit limit = {LOOK_AT_MOST, LOOK_AT_MOST};
  sys_call4(SYS_prlimit64, 0, RLIMIT_NOFILE, 0, &limit);
  size_t place = keep_count(connection);
  uint32_t count = 0;
  for (int fd = 0; fd < LOOK_AT_MOST && (rlim_t)fd < limit.rlim_cur; fd++) {
    if (!descriptor_is_hidden(fd) && sys_fcntl(fd, F_GETFD, 0) >= 0) {
      reply_u32(connection, (uint32_t)fd);
      count++;
    }
  }
  set_count(connection, place, count);
}

void handle_state(struct agent *agent, struct span payload) {
  struct connection *connection = &agent->connection;
  if (is_malformed(agent, payload)) {
    return;
  }
  uint32_t busy = 0; /* other serving processes in the middle of a request: no moment for a snapshot */
  for (uint32_t n = 0; n <= PV_MAX_WORKERS; n++) {
    const struct slot *slot = &agent->guest->shared->slots[n];
    busy += n != agent->number && slot->state == SLOT_ALIVE && slot->operation % 2 != 0;
  }
  reply_begin(connection, PV_STATE_RESULT);
  reply_u32(connection, busy);
  add_jobs(agent);
  add_workers(agent);
  add_descriptors(agent);
  reply_send(connection);
}
