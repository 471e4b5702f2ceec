/*
 * A library that turns a dynamically linked program into a server which starts it: loading and relocating
 * QEMU and its 50 libraries takes longer than all else until it reads its options. LD_PRELOAD names this
 * library. It takes the place of the libc's `__libc_start_main`, which is called when that is done and
 * nothing of the program has run yet, and there clones the process for each request.
 *
 * A clone is a child of the server's parent (CLONE_PARENT), as if that had executed the program. What is
 * random at the start of a program is the same for all clones: addresses, and the secret of the stack
 * protector.
 *
 * Where a process is not what this file expects, the program goes on as if this library was not there.
 *
 * Linked without libraries, so that it uses the program's own libc, of any version.
 */
#define _GNU_SOURCE
#include <dlfcn.h>
#include <errno.h>
#include <fcntl.h>
#include <linux/stat.h>
#include <sched.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "fork_handlers.h"
#include "fork_request.h"
#include "place_descriptors.h"

typedef int program_main(int, char **, char **);
typedef int start_main(program_main *, int, char **, handler *, handler *, handler *, void *);

REPLACES_LIBC int __libc_start_main(program_main *, int, char **, handler *, handler *, handler *, void *);

/* Facts about the server's process that each clone needs to set up its own. */
struct server {
  int *thread_id; /* the libc's note of the thread's number */
  void *robust_list;
  size_t robust_list_size;
  struct prctl_mm_map map;
  char name[16];
};

/* ---- the clone ------------------------------------------------------------------------------ */

static void write_text(int file, const char *text) {
  ssize_t written = write(file, text, strlen(text));
  (void)written;
}

/* Reports on the descriptor that becomes the program's standard error. */
__attribute__((noreturn)) static void give_up(int errors, const char *what) {
  write_text(errors, "cannot start a process: ");
  write_text(errors, what);
  write_text(errors, ": ");
  write_text(errors, strerror(errno));
  write_text(errors, "\n");
  _exit(127);
}

/* Ends this process where the host has gone. */
static void send_answer(int32_t answer) {
  if (send(FORK_SOCKET, &answer, sizeof answer, MSG_NOSIGNAL) != sizeof answer) _exit(0);
}

static bool take_descriptors(const struct fork_request *request, const int *given) {
  struct clinux_fd_map map[FORK_DESCRIPTORS];
  for (uint32_t i = 0; i < request->descriptor_count; i++) {
    map[i] = (struct clinux_fd_map){.parent_fd = given[i], .child_fd = request->descriptors[i]};
  }
  errno = place_descriptors(map, request->descriptor_count);
  return errno == 0;
}

/* Splits strings that follow each other at `text`. */
static char *take_strings(char **list, uint32_t count, char *text) {
  for (uint32_t i = 0; i < count; i++) {
    list[i] = text;
    text += strlen(text) + 1;
  }
  list[count] = NULL;
  return text;
}

/*
 * Makes this process the one that was asked for. Returns its arguments, followed by its environment, as a new
 * process has them.
 */
static char **become_process(struct server *server, const struct fork_request *request, const int *given) {
  int errors = STDERR_FILENO;
  for (uint32_t i = 0; i < request->descriptor_count; i++) {
    if (request->descriptors[i] == STDERR_FILENO) errors = given[i];
  }
  syscall(SYS_set_robust_list, server->robust_list, server->robust_list_size);
  setsid();
  prctl(PR_SET_PDEATHSIG, SIGKILL);
  if (getppid() != request->parent) _exit(127); /* the parent died before the signal was set */
  /* Only now, because the parent may end the server's process group. */
  send_answer((int32_t)getpid());
  prctl(PR_SET_NAME, server->name);
  run_handlers_in_child();
  /* Anonymous memory: /proc shows no other as arguments. */
  size_t pointers = ((size_t)request->argument_count + request->environment_count + 2) * sizeof(char *);
  char **vector =
      mmap(NULL, pointers + request->text_size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (vector == MAP_FAILED) give_up(errors, "memory for its arguments");
  char *text = (char *)vector + pointers;
  memcpy(text, request + 1, request->text_size);
  const char *directory = text;
  char *arguments = text + strlen(text) + 1;
  char *environment = take_strings(vector, request->argument_count, arguments);
  char *end = take_strings(vector + request->argument_count + 1, request->environment_count, environment);
  if (directory[0] != 0 && chdir(directory) != 0) give_up(errors, directory);
  struct prctl_mm_map map = server->map;
  map.brk = (uintptr_t)sbrk(0);
  map.arg_start = (uintptr_t)arguments;
  map.arg_end = map.env_start = (uintptr_t)environment;
  map.env_end = (uintptr_t)end;
  if (prctl(PR_SET_MM, PR_SET_MM_MAP, &map, sizeof map, 0) != 0) give_up(errors, "its command line");
  if (!take_descriptors(request, given)) give_up(errors, "its descriptors");
  return vector;
}

/* ---- the server ----------------------------------------------------------------------------- */

/*
 * Receives the descriptors of a request: its file, and those for the clone. Returns their number; 0 where the
 * parent has gone.
 */
static unsigned receive_request(int *received) {
  union {
    struct cmsghdr header;
    char space[CMSG_SPACE(sizeof(int) * (FORK_DESCRIPTORS + 1))];
  } control;
  char byte;
  struct iovec data = {&byte, 1};
  struct msghdr message = {
      .msg_iov = &data, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control};
  ssize_t count;
  do {
    count = recvmsg(FORK_SOCKET, &message, MSG_CMSG_CLOEXEC);
  } while (count < 0 && errno == EINTR);
  struct cmsghdr *header = count == 1 ? CMSG_FIRSTHDR(&message) : NULL;
  if (header == NULL || header->cmsg_type != SCM_RIGHTS) return 0;
  unsigned number = (unsigned)((header->cmsg_len - CMSG_LEN(0)) / sizeof(int));
  memcpy(received, CMSG_DATA(header), number * sizeof(int));
  return number;
}

/* Maps a request into memory. Returns NULL with errno. The clone keeps the map, which is small. */
static const struct fork_request *map_request(int file, unsigned descriptors) {
  off_t size = lseek(file, 0, SEEK_END);
  if (size < (off_t)sizeof(struct fork_request)) return NULL;
  const struct fork_request *request = mmap(NULL, (size_t)size, PROT_READ, MAP_PRIVATE, file, 0);
  if (request == MAP_FAILED) return NULL;
  bool fits =
      (size_t)size == sizeof *request + request->text_size && request->descriptor_count == descriptors;
  if (!fits) errno = EINVAL;
  return fits ? request : NULL;
}

/* Clones this process. Returns twice, as fork(2) does. */
static long clone_process(const struct server *server) {
  run_handlers_before();
  unsigned long flags = CLONE_PARENT | CLONE_CHILD_SETTID | CLONE_CHILD_CLEARTID | SIGCHLD;
#if defined(__x86_64__)
  long process = syscall(SYS_clone, flags, NULL, NULL, server->thread_id, NULL);
#else
  long process = syscall(SYS_clone, flags, NULL, NULL, NULL, server->thread_id);
#endif
  int error = errno;
  if (process != 0) run_handlers_in_parent();
  return process < 0 ? -error : process;
}

/* Serves requests. Returns in each clone, with its arguments and their number. */
static char **serve(struct server *server, int *argument_count) {
  write_text(FORK_SOCKET, "r");
  for (;;) {
    int received[FORK_DESCRIPTORS + 1];
    unsigned count = receive_request(received);
    if (count == 0) _exit(0);
    const struct fork_request *request = map_request(received[0], count - 1);
    long process = request != NULL ? clone_process(server) : -errno;
    if (process == 0) {
      *argument_count = (int)request->argument_count;
      return become_process(server, request, received + 1);
    }
    for (unsigned i = 0; i < count; i++) {
      close(received[i]);
    }
    if (request != NULL) munmap((void *)(uintptr_t)request, sizeof *request + request->text_size);
    if (process < 0) send_answer((int32_t)process);
  }
}

/* ---- the start ------------------------------------------------------------------------------ */

/* The wrappers of stat(2) have other names in other versions of the libc. */
static bool file_status(const char *path, struct statx *status) {
  return syscall(SYS_statx, AT_FDCWD, path, 0, STATX_INO | STATX_NLINK, status) == 0;
}

static bool is_same_file(const char *one, const char *other) {
  struct statx first, second;
  return file_status(one, &first) && file_status(other, &second) && first.stx_ino == second.stx_ino &&
         first.stx_dev_major == second.stx_dev_major && first.stx_dev_minor == second.stx_dev_minor;
}

/* Reads this process's memory layout, which a change of its arguments must repeat (PR_SET_MM_MAP, prctl(2)).
 */
static bool read_map(struct prctl_mm_map *map) {
  char text[2048];
  int file = open("/proc/self/stat", O_RDONLY | O_CLOEXEC);
  ssize_t length = file < 0 ? -1 : read(file, text, sizeof text - 1);
  if (file >= 0) close(file);
  if (length <= 0) return false;
  text[length] = 0;
  char *field = strrchr(text, ')'); /* the end of the second field */
  uint64_t values[52] = {0};
  for (int number = 2; field != NULL && number < 52; number++) {
    field = strchr(field, ' ');
    if (field == NULL) break;
    for (field++; *field >= '0' && *field <= '9'; field++) {
      values[number] = values[number] * 10 + (uint64_t)(*field - '0');
    }
  }
  *map = (struct prctl_mm_map){
      .start_code = values[25],
      .end_code = values[26],
      .start_stack = values[27],
      .start_data = values[44],
      .end_data = values[45],
      .start_brk = values[46],
      .brk = (uintptr_t)sbrk(0),
      .arg_start = values[47],
      .arg_end = values[48],
      .env_start = values[49],
      .env_end = values[50],
      .exe_fd = (uint32_t)-1,
  };
  return map->env_end != 0;
}

/* Notes the facts. Returns false if this process cannot be cloned. */
static bool prepare(struct server *server) {
  struct statx threads;
  /* One link for each thread, and two of any directory. */
  if (!file_status("/proc/self/task", &threads) || threads.stx_nlink != 3) return false;
  if (!handlers_are_known()) return false;
  /* Hosts before Linux 5.9 lack it. Nothing is in this range. */
  if (syscall(SYS_close_range, ~0U, ~0U, 0) != 0) return false;
  if (prctl(PR_GET_TID_ADDRESS, &server->thread_id, 0, 0, 0) != 0 || server->thread_id == NULL) return false;
  if (syscall(SYS_get_robust_list, 0, &server->robust_list, &server->robust_list_size) != 0) return false;
  if (prctl(PR_GET_NAME, server->name) != 0 || !read_map(&server->map)) return false;
  return prctl(PR_SET_MM, PR_SET_MM_MAP, &server->map, sizeof server->map, 0) == 0;
}

int __libc_start_main(program_main *program, int argument_count, char **arguments, handler *initialize,
                      handler *finish, handler *finish_loader, void *stack_end) {
  start_main *real = (start_main *)dlsym(RTLD_NEXT, "__libc_start_main");
  const char *served = getenv(FORK_PROGRAM);
  static struct server server;
  /* A script that the user has named instead of the program runs an interpreter, which is not served. */
  if (served != NULL && is_same_file("/proc/self/exe", served) && prepare(&server)) {
    prctl(PR_SET_NAME, "fork-server");
    arguments = serve(&server, &argument_count);
    environ = arguments + argument_count + 1;
  }
  return real(program, argument_count, arguments, initialize, finish, finish_loader, stack_end);
}
