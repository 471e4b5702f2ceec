#include "signals.h"

#include <stdatomic.h>

#include "process_table.h"
#include "sys.h"

static _Atomic uint32_t signals_interrupts;

static void signals_handle(int signal) {
  if (signal == PV_INTERRUPT_SIGNAL) {
    signals_interrupts++;
  }
}

uint32_t signals_interrupt_count(void) { return signals_interrupts; }

void signals_install(void) {
  static const uint8_t left_alone[] = {SIGSEGV, SIGBUS,  SIGFPE,  SIGILL,  SIGTRAP, SIGABRT, SIGSYS,
                                       SIGKILL, SIGSTOP, SIGCHLD, SIGCONT, SIGURG,  SIGWINCH};
  struct sigaction action = {.sa_handler = signals_handle};
  for (int signal = 1; signal <= 64; signal++) {
    bool skip = false;
    for (size_t i = 0; i < sizeof left_alone; i++) {
      skip = skip || left_alone[i] == signal;
    }
    if (!skip) {
      sigaction(signal, &action, NULL); /* fails for the signals that the C library reserves */
    }
  }
}
