/*
 * The control process: parent of the main agent and of all workers, and the host's way to them when they are
 * busy.
 *
 * One loop that blocks only in epoll. It serves the control connection, relays workers' connections over a
 * serial port, interrupts blocked requests, and moves the output of jobs.
 */
#ifndef PROVIUM_CONTROL_LOOP_H
#define PROVIUM_CONTROL_LOOP_H

#include "environment.h"

/*
 * Runs the control process. `handoff` is the socket to the serving processes. In a test, `given` is the
 * host's connection, a link if `given_link`; otherwise negative. Does not return in a guest.
 */
void control_run(struct environment *environment, int handoff, int given, bool given_link);

#endif
