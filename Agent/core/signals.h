/* Signals in the agent's processes: stray signals do not end them, and the interrupt signal ends a blocking
 * system call. */
#ifndef PROVIUM_SIGNALS_H
#define PROVIUM_SIGNALS_H

#include <stdint.h>

/*
 * Installs a handler that does nothing for every catchable signal that would end or stop the process. A
 * program that the process executes gets the default actions again. Faults keep their default action (a
 * worker that crashes must end), and so does SIGCHLD.
 */
void signals_install(void);

/* Returns how many interrupt signals (PV_INTERRUPT_SIGNAL) have arrived in this address space. */
uint32_t signals_interrupt_count(void);

#endif
