/*
 * Gets a serving process out of a blocking call.
 *
 * A signal that arrives just before the call begins has no effect. It is therefore sent again until the
 * process has left the operation that was meant, which its count of operations shows.
 */
#ifndef PROVIUM_CONTROL_INTERRUPT_H
#define PROVIUM_CONTROL_INTERRUPT_H

#include <stdbool.h>
#include <stdint.h>

#include "process_table.h"

enum { TARGETS = PV_MAX_WORKERS + 1 };

struct interrupt {
  bool active;
  uint32_t operation, base;
  unsigned tries;
};

struct control;

/* Sends a signal to one serving process, and no other: a thread's number is not its process's. */
void interrupt_signal(struct control *control, uint32_t target, int signal);

/*
 * Interrupts a target's request for `reason` (enum interrupt_reason). `request` counts the requests of the
 * target's connection from 1 and may name one that has not begun; 0: the present request, if there is one.
 */
void interrupt_begin(struct control *control, uint32_t target, uint32_t request, uint32_t reason);
/* Interrupts all serving processes that are not quiesced: the host is lost. */
void interrupt_all(struct control *control);
/* Sends the signals that are due. Returns the milliseconds until the next ones, -1 if there are none. */
int interrupt_tick(struct control *control);

#endif
