/* Signals in a serving process: none of them ends it by accident, one of them ends a blocking call. */
#ifndef PROVIUM_INTERRUPT_H
#define PROVIUM_INTERRUPT_H

#include <stdint.h>

/*
 * Gives every catchable signal that would end or stop the process a handler that does nothing; a program that
 * it executes gets the defaults again. Left alone: faults (a worker that crashes is gone) and SIGCHLD.
 */
void interrupt_install(void);

/* How many interrupt signals have arrived in this memory. */
uint32_t interrupt_count(void);

#endif
