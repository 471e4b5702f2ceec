/*
 * provium-wrapper: process 1 (rdinit=/provium-wrapper). Loads the modules that the agent's channel needs,
 * starts the agent, and becomes the guest's own init. It leaves no mount and no device behind, so that a
 * guest is what it would have been without it.
 *
 *   /.provium/agent         the agent
 *   /.provium/modules.list  what to load, see modules.h
 *   /.provium/modules/      the files it names
 *   /.provium/files/        a tree to be copied into the root
 *
 * Kernel command line: provium.init=PATH, provium.root=DEVICE, provium.rootfstype=TYPE,
 * provium.rootflags=OPTIONS, provium.mounts=yes.
 */
#include <string.h>
#include <sys/stat.h>
#include <sys/sysmacros.h>

#include "cmdline.h"
#include "console.h"
#include "files.h"
#include "modules.h"
#include "root.h"
#include "sys.h"
#include "vfs.h"

extern char **environ;

static void start_agent(int agent, int private) {
  long null = vfs_open_device(private, S_IFCHR, makedev(1, 3), O_RDWR);
  long pid = sys_clone_copy(SIGCHLD, NULL);
  if (pid != 0) {
    sys_close((int)null);
    if (pid < 0) {
      struct text text = {.length = 0};
      text_add(&text, "cannot start the agent: ");
      text_add_errno(&text, (int)-pid);
      console_fail(&text);
    }
    return;
  }
  sys_call0(SYS_setsid);
  for (int fd = 0; fd < 3 && null >= 0; fd++) {
    sys_dup3((int)null, fd, 0);
  }
  /* systemd's last killing spree spares what has '@' as its name's first character. */
  struct text number = {.length = 0};
  text_add_number(&number, sys_fcntl(private, F_DUPFD, 3));
  const char *arguments[] = {"@provium-agent", "--private-fd", number.data, NULL};
  const char *environment[] = {"HOME=/", "TERM=linux", NULL};
  long result = sys_call5(SYS_execveat, agent, "", arguments, environment, AT_EMPTY_PATH);
  struct text text = {.length = 0};
  text_add(&text, "cannot execute the agent: ");
  text_add_errno(&text, (int)-result);
  console_say(text.data);
  sys_exit(1);
}

/* Injected files go to their places by a copy, not as entries of the archive: those would replace a link like
 * /lib -> usr/lib by a directory. */
static void place_files(int private) {
  long source = sys_openat(private, "files", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
  if (source < 0) {
    return;
  }
  long target = sys_open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
  struct text failed = {.length = 0};
  int error = target < 0 ? (int)-target : files_copy((int)source, (int)target, &failed);
  if (error != 0) {
    struct text text = {.length = 0};
    text_add(&text, "cannot put injected files into the root: ");
    text_add_errno(&text, error);
    text_add(&text, failed.data);
    console_fail(&text);
  }
  sys_close((int)target);
  sys_close((int)source);
}

/* For a userland of Provium's own: all that scripts expect is there before the agent answers, and no shell
 * has to run for it. */
static void mount_usual(void) {
  static const struct {
    const char *type, *target;
  } mounts[] = {{"proc", "/proc"},
                {"sysfs", "/sys"},
                {"devtmpfs", "/dev"},
                {"devpts", "/dev/pts"},
                {"tmpfs", "/dev/shm"}};
  for (size_t i = 0; i < sizeof mounts / sizeof mounts[0]; i++) {
    sys_call3(SYS_mkdirat, AT_FDCWD, mounts[i].target, 0755);
    long result = sys_call5(SYS_mount, mounts[i].type, mounts[i].target, mounts[i].type, 0, 0);
    if (result < 0) {
      struct text text = {.length = 0};
      text_add(&text, "cannot mount ");
      text_add(&text, mounts[i].target);
      text_add(&text, ": ");
      text_add_errno(&text, (int)-result);
      console_say(text.data);
    }
  }
}

/* A guest without any userland: somebody must be process 1, and take in orphans. */
static NO_RETURN void be_init(void) {
  for (;;) {
    if (sys_wait(-1, NULL, 0) < 0) {
      sys_sleep_ms(1000); /* not even the agent is left */
    }
  }
}

static bool visit_any(int directory, const char *name, void *context) {
  (void)directory, (void)name, (void)context;
  return true;
}

static bool is_vsock(int directory, const char *name, void *context) {
  (void)directory, (void)context;
  return strcmp(name, "vsock") == 0;
}

/* Where nobody comes after us to load a driver, waiting for a channel that the kernel has no driver for is
 * waiting for ever. */
static void require_channel(int private) {
  int sysfs = vfs_open("sysfs", private);
  bool found = sysfs < 0;
  for (int looks = 0; !found && looks < 30; looks++) {
    found = vfs_each(sysfs, "class/virtio-ports", visit_any, NULL) ||
            vfs_each(sysfs, "class/misc", is_vsock, NULL);
    if (!found) {
      sys_sleep_ms(100);
    }
  }
  sys_close(sysfs);
  if (!found) {
    struct text text = {.length = 0};
    text_add(
        &text,
        "this kernel has no driver for a channel to the host: neither a virtio-serial port nor vsock is there");
    console_fail(&text);
  }
}

static void try_init(const char *path, char **arguments) {
  arguments[0] = (char *)path;
  sys_call3(SYS_execve, path, arguments, environ);
}

static NO_RETURN void become_init(const struct cmdline *line, int private, char **arguments) {
  static const char *const usual[] = {"/init", "/sbin/init", "/etc/init", "/bin/init", "/bin/sh"};
  if (line->init != NULL) {
    arguments[0] = (char *)line->init;
    long result = sys_call3(SYS_execve, line->init, arguments, environ);
    struct text text = {.length = 0};
    text_add(&text, "cannot execute init ");
    text_add(&text, line->init);
    text_add(&text, ": ");
    text_add_errno(&text, (int)-result);
    console_fail(&text);
  }
  if (line->mounts != NULL) {
    be_init(); /* a userland of Provium's own needs no more */
  }
  /* A disk's /init, if it has one, is not what a kernel would start. */
  for (size_t i = line->root != NULL; i < sizeof usual / sizeof usual[0]; i++) {
    try_init(usual[i], arguments);
  }
  if (line->root != NULL) {
    struct text text = {.length = 0};
    text_add(&text, "no init found on root ");
    text_add(&text, line->root);
    console_fail(&text);
  }
  console_stage("no init");
  require_channel(private);
  be_init();
}

int main(int count, char **arguments) {
  static struct cmdline line;
  (void)count;
  sys_call3(SYS_mkdirat, AT_FDCWD, "/.provium", 0700);
  int private = (int)sys_open("/.provium", O_RDONLY | O_DIRECTORY | O_CLOEXEC, 0);
  console_open(private);
  int proc = vfs_open("proc", private);
  if (proc < 0 || vfs_read(proc, "cmdline", line.text, sizeof line.text) < 0) {
    console_say("the kernel has no /proc: no provium.* parameters");
  }
  cmdline_parse(&line);
  console_stage("modules");
  modules_load(private);
  long agent = sys_openat(private, "agent", O_PATH | O_CLOEXEC, 0);
  if (line.root != NULL) {
    console_stage("root");
    root_enter(&line, private, proc);
  } else {
    place_files(private);
  }
  if (line.mounts != NULL) {
    mount_usual();
  }
  console_stage("agent");
  start_agent((int)agent, private);
  console_stage("init");
  sys_close(proc);
  become_init(&line, private, arguments);
}
