/*
 * provium-wrapper: the init wrapper, process 1 (rdinit=/provium-wrapper). Loads the modules for the agent's
 * channel, starts the agent, and executes the guest's own init. It leaves no mount and no device behind, so
 * that the guest is as it would be without it.
 *
 *   /.provium/agent         the agent
 *   /.provium/modules.list  the modules to load, see modules.h
 *   /.provium/modules/      their files
 *   /.provium/files/        a tree to be copied into the root
 *
 * Parameters on the kernel command line: provium.init=PATH, provium.root=DEVICE, provium.rootfstype=TYPE,
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
#include "system_mounts.h"
#include "vfs.h"

extern char **environ;

/* ---- the agent ------------------------------------------------------------------------------ */

/* A name that begins with '@' protects a process when systemd kills all others at shutdown. */
static NO_RETURN void init_execute_agent(int agent, int private, int null) {
  sys_call0(SYS_setsid);
  for (int fd = 0; fd < 3 && null >= 0; fd++) {
    sys_dup3(null, fd, 0);
  }
  struct text number = {.length = 0};
  text_add_number(&number, sys_fcntl(private, F_DUPFD, 3));
  const char *arguments[] = {"@provium-agent", "--private-fd", number.data, NULL};
  const char *environment[] = {"HOME=/", "TERM=linux", NULL};
  long result = sys_call5(SYS_execveat, agent, "", arguments, environment, AT_EMPTY_PATH);
  console_say_errno("cannot execute the agent", (int)-result);
  sys_exit(1);
}

static void init_start_agent(int agent, int private) {
  enum { CHARACTER_MEMORY = 1, MINOR_NULL = 3 };
  long null = vfs_open_device(private, S_IFCHR, makedev(CHARACTER_MEMORY, MINOR_NULL), O_RDWR);
  long pid = sys_clone_copy(SIGCHLD, NULL);
  if (pid == 0) {
    init_execute_agent(agent, private, (int)null);
  }
  sys_close((int)null);
  if (pid < 0) {
    console_fail_errno("cannot start the agent", (int)-pid);
  }
}

/* ---- the root ------------------------------------------------------------------------------- */

/*
 * Copies the injected files into the initramfs. They are not entries of the archive because those would
 * replace a symbolic link like /lib -> usr/lib by a directory.
 */
static void init_inject_files(int private) {
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

static bool init_report_mount(const char *target, int error, void *context) {
  struct text subject = {.length = 0};
  (void)context;
  text_add(&subject, "cannot mount ");
  text_add(&subject, target);
  console_say_errno(subject.data, error);
  return true;
}

/* ---- the guest's init ----------------------------------------------------------------------- */

/* A guest without a userland: this process stays process 1 and reaps orphans. */
static NO_RETURN void init_stay(void) {
  for (;;) {
    if (sys_wait(-1, NULL, 0) < 0) {
      sys_sleep_ms(1000); /* no children: even the agent is gone */
    }
  }
}

static bool init_visit_any(int directory, const char *name, void *context) {
  (void)directory, (void)name, (void)context;
  return true;
}

static bool init_is_vsock(int directory, const char *name, void *context) {
  (void)directory, (void)context;
  return strcmp(name, "vsock") == 0;
}

/* Without an init no driver will be loaded later, so a missing channel would stay missing. */
static void init_require_channel(int private) {
  enum { SEARCHES = 30, INTERVAL_MS = 100 };
  int sysfs = vfs_open("sysfs", private);
  bool found = sysfs < 0;
  for (int searches = 0; !found && searches < SEARCHES; searches++) {
    found = vfs_each(sysfs, "class/virtio-ports", init_visit_any, NULL) ||
            vfs_each(sysfs, "class/misc", init_is_vsock, NULL);
    if (!found) {
      sys_sleep_ms(INTERVAL_MS);
    }
  }
  sys_close(sysfs);
  if (!found) {
    struct text text = {.length = 0};
    text_add(&text, "this kernel has no driver for a channel to the host: ");
    text_add(&text, "neither a virtio-serial port nor vsock is there");
    console_fail(&text);
  }
}

/* Returns -errno if the program cannot be executed. */
static long init_execute(const char *path, char **arguments) {
  arguments[0] = (char *)path;
  return sys_call3(SYS_execve, path, arguments, environ);
}

static NO_RETURN void init_execute_guest_init(const struct cmdline *line, int private, char **arguments) {
  static const char *const usual[] = {"/init", "/sbin/init", "/etc/init", "/bin/init", "/bin/sh"};
  if (line->init != NULL) {
    long result = init_execute(line->init, arguments);
    struct text subject = {.length = 0};
    text_add(&subject, "cannot execute init ");
    text_add(&subject, line->init);
    console_fail_errno(subject.data, (int)-result);
  }
  if (line->mounts != NULL) {
    init_stay(); /* Provium's own userland has no init */
  }
  /* The kernel does not start the /init of a disk. */
  for (size_t i = line->root != NULL; i < sizeof usual / sizeof usual[0]; i++) {
    init_execute(usual[i], arguments);
  }
  if (line->root != NULL) {
    struct text text = {.length = 0};
    text_add(&text, "no init found on root ");
    text_add(&text, line->root);
    console_fail(&text);
  }
  console_stage("no init");
  init_require_channel(private);
  init_stay();
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
    init_inject_files(private);
  }
  if (line.mounts != NULL) {
    system_mounts_apply(SYSTEM_MOUNTS_USERLAND, init_report_mount, NULL);
  }
  console_stage("agent");
  init_start_agent((int)agent, private);
  console_stage("init");
  sys_close(proc);
  init_execute_guest_init(&line, private, arguments);
}
