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

#define DEFAULT_INIT "/sbin/init"

/* ---- the agent ------------------------------------------------------------------------------ */

enum { START_STACK_SIZE = 16384 };

struct agent_start {
  int private, null;
  int error;
};

/*
 * The child, on its own stack in the wrapper's memory, while the wrapper waits. It reports a failure in
 * `start`.
 *
 * The path is relative to the private directory, because the initramfs has no name in a disk root.
 * execveat(2) with an empty path would need no name, but TOMOYO looks up the name that the kernel gives such
 * a program, /dev/fd/N, and before Linux 6.12 and its stable backports refuses the program if the name does
 * not exist.
 */
static void agent_start_child(void *argument) {
  struct agent_start *start = argument;
  struct text number = {.length = 0};
  sys_call0(SYS_setsid);
  for (int fd = 0; fd < 3 && start->null >= 0; fd++) {
    sys_dup3(start->null, fd, 0);
  }
  text_add_number(&number, sys_fcntl(start->private, F_DUPFD, 3));
  /* A name that begins with '@' protects a process when systemd kills all others at shutdown. */
  const char *arguments[] = {"@provium-agent", "--private-fd", number.data, NULL};
  const char *environment[] = {"TERM=linux", NULL};
  long result = sys_call1(SYS_fchdir, start->private);
  result = result == 0 ? sys_call3(SYS_execve, "agent", arguments, environment) : result;
  start->error = (int)-result;
  sys_exit(1);
}

static void init_start_agent(int private) {
  enum { CHARACTER_MEMORY = 1, MINOR_NULL = 3 };
  static _Alignas(16) uint8_t stack[START_STACK_SIZE];
  struct agent_start start = {.private = private};
  start.null = vfs_open_device(private, S_IFCHR, makedev(CHARACTER_MEMORY, MINOR_NULL), O_RDWR);
  unsigned long flags = CLONE_VM | CLONE_VFORK | SIGCHLD;
  long pid = sys_clone_call(flags, stack + sizeof stack, NULL, NULL, agent_start_child, &start);
  if (start.null >= 0) {
    sys_close(start.null);
  }
  if (pid < 0) {
    console_fail_errno("cannot start a process for the agent", (int)-pid);
  }
  if (start.error != 0) {
    console_fail_errno("cannot execute the agent, /.provium/agent of the initramfs", start.error);
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

static bool init_exists(const char *path) {
  return sys_call5(SYS_faccessat, AT_FDCWD, path, 0 /* F_OK */, 0, 0) == 0;
}

static NO_RETURN void init_fail(const char *path, int error) {
  struct text subject = {.length = 0};
  text_add(&subject, "cannot execute init ");
  text_add(&subject, path);
  console_fail_errno(subject.data, error);
}

/* Executes the first program of the list that exists, and says so. Returns if there is none. */
static void init_try_fallbacks(const struct cmdline *line, char **arguments) {
  static const char *const paths[] = {"/init", "/sbin/init", "/etc/init", "/bin/init", "/bin/sh"};
  /* As a kernel, which does not start the /init of a disk. */
  for (size_t i = line->root != NULL; i < sizeof paths / sizeof paths[0]; i++) {
    if (init_exists(paths[i])) {
      struct text text = {.length = 0};
      text_add(&text, "no " DEFAULT_INIT ": executing ");
      text_add(&text, paths[i]);
      text_add(&text, " as init");
      console_say(text.data);
      init_fail(paths[i], (int)-init_execute(paths[i], arguments));
    }
  }
}

/*
 * Executes provium.init. /sbin/init is its default, which the host passes too; if the guest has no such file,
 * another usual init is executed.
 */
static NO_RETURN void init_execute_guest_init(const struct cmdline *line, int private, char **arguments) {
  const char *path = line->init != NULL ? line->init : DEFAULT_INIT;
  if (line->init == NULL && line->mounts != NULL) {
    init_stay(); /* Provium's own userland has no init */
  }
  if (strcmp(path, DEFAULT_INIT) != 0 || init_exists(path)) {
    init_fail(path, (int)-init_execute(path, arguments));
  }
  init_try_fallbacks(line, arguments);
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
  init_start_agent(private);
  console_stage("init");
  sys_close(proc);
  init_execute_guest_init(&line, private, arguments);
}
