/* The baseline of the channel: PID 1 of a guest that does nothing but load its drivers and answer on a
 * virtio-serial port.
 *   E LENGTH BYTES   the same bytes back
 *   R LENGTH BYTES   one byte back when all have come
 *   W LENGTH         LENGTH bytes back
 *   P LENGTH BYTES   as R, but they go into a file in the guest's memory
 *   G LENGTH         as W, but they come from that file
 *   X 0              one byte back when a shell has run `true`
 * LENGTH is 4 bytes, in the machine's order. */
#include <fcntl.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

static void load_modules(void) {
  FILE *list = fopen("/modules.list", "r");
  char path[256];
  while (list && fgets(path, sizeof path, list)) {
    path[strcspn(path, "\n")] = 0;
    int file = open(path, O_RDONLY | O_CLOEXEC);
    syscall(SYS_finit_module, file, "", 0);
    close(file);
  }
}

static void read_all(int port, char *bytes, size_t count) {
  while (count) {
    ssize_t n = read(port, bytes, count);
    if (n <= 0) {
      usleep(1000); /* the host is not there yet */
      continue;
    }
    bytes += n;
    count -= (size_t)n;
  }
}

static void write_all(int port, const char *bytes, size_t count) {
  while (count) {
    ssize_t n = write(port, bytes, count);
    if (n <= 0) continue;
    bytes += n;
    count -= (size_t)n;
  }
}

static void run_shell(void) {
  pid_t child = vfork();
  if (child == 0) {
    execl("/busybox", "sh", "-c", "true", (char *)NULL);
    _exit(127);
  }
  int status = -1;
  waitpid(child, &status, 0);
  if (status != 0) abort();
}

int main(void) {
  static char bytes[1 << 20];
  load_modules();
  mount("dev", "/dev", "devtmpfs", 0, "");
  int port;
  while ((port = open("/dev/vport0p1", O_RDWR | O_CLOEXEC)) < 0 &&
         (port = open("/dev/vport1p1", O_RDWR | O_CLOEXEC)) < 0)
    usleep(1000);
  for (;;) {
    char head[5];
    uint32_t rest;
    read_all(port, head, sizeof head);
    memcpy(&rest, head + 1, sizeof rest);
    int file = -1;
    if (head[0] == 'P') file = open("/file", O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0600);
    if (head[0] == 'G') file = open("/file", O_RDONLY | O_CLOEXEC);
    while (rest) {
      size_t n = rest < sizeof bytes ? rest : sizeof bytes;
      if (strchr("ERP", head[0])) read_all(port, bytes, n);
      if (head[0] == 'G') read_all(file, bytes, n);
      if (head[0] == 'P') write_all(file, bytes, n);
      if (strchr("EWG", head[0])) write_all(port, bytes, n);
      rest -= (uint32_t)n;
    }
    close(file);
    if (head[0] == 'X') run_shell();
    if (strchr("RPX", head[0])) write_all(port, "k", 1);
  }
}
