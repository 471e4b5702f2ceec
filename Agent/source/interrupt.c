#include "interrupt.h"

#include <stdatomic.h>

#include "shared.h"
#include "sys.h"

static _Atomic uint32_t count;

static void note_signal(int signal) {
  if (signal == PV_INTERRUPT_SIGNAL) {
    count++;
  }
}

uint32_t interrupt_count(void) { return count; }

void interrupt_install(void) {
  static const uint8_t left_alone[] = {SIGSEGV, SIGBUS,  SIGFPE,  SIGILL,  SIGTRAP, SIGABRT, SIGSYS,
                                       SIGKILL, SIGSTOP, SIGCHLD, SIGCONT, SIGURG,  SIGWINCH};
  struct sigaction action = {.sa_handler = note_signal};
  for (int signal = 1; signal <= 64; signal++) {
    bool skip = false;
    for (size_t i = 0; i < sizeof left_alone; i++) {
      skip = skip || left_alone[i] == signal;
    }
    if (!skip) {
      sigaction(signal, &action, NULL); /* refuses what the C library keeps for itself */
    }
  }
}
