/* SHARE: mounts a folder of the host. */
#include <linux/stat.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "descriptor.h"
#include "handlers.h"
#include "handoff.h"
#include "reply.h"
#include "share_pipe.h"
#include "sys.h"
#include "vfs.h"

/* The number of /dev/fuse, see Documentation/admin-guide/devices.txt of the kernel. */
enum { FUSE_MAJOR = 10, FUSE_MINOR = 229 };

static int share_open_device(const struct environment *environment) {
  int fd =
      vfs_open_device(environment->private, S_IFCHR, makedev(FUSE_MAJOR, FUSE_MINOR), O_RDWR | O_NONBLOCK);
  /* A private directory on a file system without device nodes. */
  return fd == -EACCES || fd == -EPERM ? (int)sys_open("/dev/fuse", O_RDWR | O_NONBLOCK | O_CLOEXEC, 0) : fd;
}

/* Creates a directory and those above it. Returns the result of the last mkdirat(2). */
static long share_make_directory(char *path) {
  for (char *at = path + 1; *at != 0; at++) {
    if (*at == '/') {
      *at = 0;
      sys_call3(SYS_mkdirat, AT_FDCWD, path, 0755);
      *at = '/';
    }
  }
  return sys_call3(SYS_mkdirat, AT_FDCWD, path, 0755);
}

static long share_mount(int fuse, const char *target) {
  struct text options = {.length = 0};
  text_add(&options, "fd=");
  text_add_number(&options, fuse);
  text_add(&options, ",rootmode=40000,user_id=0,group_id=0,allow_other,default_permissions");
  return sys_call5(SYS_mount, "host", target, "fuse.provium", MS_RDONLY | MS_NODEV, options.data);
}

/* FUSE_INIT cannot raise the kernel's read-ahead above its default of 128 KiB. */
static void share_set_read_ahead(const struct environment *environment, const char *target) {
  struct statx facts;
  /* The host does not answer yet, so the kernel must not ask it. */
  if (sys_call5(SYS_statx, AT_FDCWD, target, AT_STATX_DONT_SYNC, 0, &facts) != 0) {
    return;
  }
  struct text path = {.length = 0};
  text_add(&path, "class/bdi/");
  text_add_number(&path, facts.stx_dev_major);
  text_add(&path, ":");
  text_add_number(&path, facts.stx_dev_minor);
  text_add(&path, "/read_ahead_kb");
  int sysfs = vfs_open("sysfs", environment->private);
  long fd = sysfs >= 0 ? sys_openat(sysfs, path.data, O_WRONLY | O_CLOEXEC, 0) : sysfs;
  if (fd >= 0) {
    sys_write((int)fd, "1024", 4);
    sys_close((int)fd);
  }
  if (sysfs >= 0) {
    sys_close(sysfs);
  }
}

static NO_RETURN void share_run_pipe(struct session *session, int handoff) {
  const struct environment *environment = session->environment;
  const int kept[] = {environment->private, environment->proc,  environment->null,
                      environment->random,  environment->vsock, handoff};
  descriptor_close_others(kept, sizeof kept / sizeof kept[0]);
  sys_call0(SYS_setsid);
  share_pipe_run(environment, handoff);
}

/* Starts the share process at the first share. CLONE_PARENT makes it a child of control. Returns 0 or an
 * errno. */
static int share_start_pipe(struct session *session) {
  int ends[2];
  long result = sys_socketpair(SOCK_SEQPACKET | SOCK_CLOEXEC, ends);
  if (result < 0) {
    return (int)-result;
  }
  int ours = descriptor_hide(ends[0]), theirs = descriptor_hide(ends[1]), pid;
  result = sys_clone_copy(CLONE_PARENT | CLONE_PARENT_SETTID | SIGCHLD, &pid);
  if (result == 0) {
    descriptor_close(ours);
    share_run_pipe(session, theirs);
  }
  descriptor_close(theirs);
  if (result < 0) {
    descriptor_close(ours);
    return (int)-result;
  }
  session->environment->shares = ours;
  return 0;
}

static int share_hand_over(struct session *session, uint32_t number, int fuse) {
  int error = session->environment->shares < 0 ? share_start_pipe(session) : 0;
  if (error != 0) {
    return error;
  }
  struct handoff_message message = {
      .kind = HANDOFF_SHARE, .number = number, .count = 1, .descriptors = {fuse}};
  return -handoff_send(session->environment->shares, &message);
}

void handle_share(struct session *session, const union request *request) {
  struct connection *connection = &session->connection;
  const struct share_request_target *share = &request->share;
  size_t used = 0;
  char *target = session_copy_string(session, share->target, &used);
  if (session->number != 0 || target == NULL) {
    reply_error(connection, target == NULL ? ENOMEM : EPERM, "only the main agent mounts shares");
    return;
  }
  int fuse = session->environment->is_test ? -ENOTSUP : share_open_device(session->environment);
  if (fuse < 0) {
    reply_error(connection, -fuse, "open /dev/fuse: the kernel has no FUSE (CONFIG_FUSE_FS, module fuse)");
    return;
  }
  share_make_directory(target);
  long result = share_mount(fuse, target);
  int error = result < 0 ? (int)-result : share_hand_over(session, share->number, fuse);
  sys_close(fuse);
  if (error != 0) {
    reply_error_path(connection, error, "mount a folder of the host on", share->target);
    return;
  }
  share_set_read_ahead(session->environment, target);
  reply_done(connection, 0);
}
