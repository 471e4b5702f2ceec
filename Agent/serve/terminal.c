#include "terminal.h"

#include <sys/ioctl.h>

#include "sys.h"
#include "text.h"

/* Numbers and constants of Linux 5.2, equal on all architectures; older C libraries do not have them. */
#ifndef SYS_fsopen
#define SYS_fsopen 430
#define SYS_fsconfig 431
#define SYS_fsmount 432
#endif
#ifndef TIOCGPTPEER
#define TIOCGPTPEER _IO('T', 0x41)
#endif

enum {
  TERMINAL_CLOEXEC = 1 /* FSOPEN_CLOEXEC, FSMOUNT_CLOEXEC */,
  TERMINAL_CREATE = 6 /* FSCONFIG_CMD_CREATE */
};

/* Returns a master of a new instance of devpts, which lives as long as the terminal. */
static int terminal_open_unmounted(void) {
  long context = sys_call2(SYS_fsopen, "devpts", TERMINAL_CLOEXEC);
  if (context < 0) {
    return (int)context;
  }
  long mount = sys_call5(SYS_fsconfig, context, TERMINAL_CREATE, NULL, NULL, 0);
  mount = mount < 0 ? mount : sys_call3(SYS_fsmount, context, TERMINAL_CLOEXEC, 0);
  sys_close((int)context);
  if (mount < 0) {
    return (int)mount;
  }
  long master = sys_openat((int)mount, "ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK, 0);
  sys_close((int)mount);
  return (int)master;
}

/* Kernels before 4.13 do not have TIOCGPTPEER. */
static int terminal_open_named_slave(int master) {
  int number = 0;
  struct text path = {.length = 0};
  long result = sys_ioctl(master, TIOCGPTN, &number);
  if (result < 0) {
    return (int)result;
  }
  text_add(&path, "/dev/pts/");
  text_add_number(&path, number);
  return (int)sys_open(path.data, O_RDWR | O_NOCTTY | O_CLOEXEC, 0);
}

static int terminal_open_slave(int master) {
  int locked = 0;
  long result = sys_ioctl(master, TIOCSPTLCK, &locked);
  if (result < 0) {
    return (int)result;
  }
  result = sys_call3(SYS_ioctl, master, TIOCGPTPEER, O_RDWR | O_NOCTTY | O_CLOEXEC);
  bool is_unknown = result == -ENOTTY || result == -EINVAL;
  return is_unknown ? terminal_open_named_slave(master) : (int)result;
}

int terminal_open(struct terminal *terminal, uint16_t columns, uint16_t rows) {
  int master = (int)sys_open("/dev/pts/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK, 0);
  if (master < 0) {
    /* The usual mode of that file is 0: /dev/ptmx, which everyone may open, finds the same mount. */
    master = (int)sys_open("/dev/ptmx", O_RDWR | O_NOCTTY | O_CLOEXEC | O_NONBLOCK, 0);
  }
  master = master < 0 ? terminal_open_unmounted() : master;
  if (master < 0) {
    return master;
  }
  int slave = terminal_open_slave(master);
  int error = slave < 0 ? slave : terminal_resize(master, columns, rows);
  if (error < 0) {
    sys_close(master);
    if (slave >= 0) {
      sys_close(slave);
    }
    return error;
  }
  *terminal = (struct terminal){master, slave};
  return 0;
}

int terminal_resize(int master, uint16_t columns, uint16_t rows) {
  struct winsize size = {.ws_row = rows, .ws_col = columns};
  return (int)sys_ioctl(master, TIOCSWINSZ, &size);
}

int terminal_signal(int master, uint32_t signal) {
  return (int)sys_call3(SYS_ioctl, master, TIOCSIG, signal);
}
