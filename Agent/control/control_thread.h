/*
 * Thread workers: threads of the main agent's process. A thread cannot be killed alone, and no wait(2)
 * reports its end. It is asked to end, with signals that end its blocking calls, and the kernel clears a word
 * of its slot when it is gone.
 */
#ifndef PROVIUM_CONTROL_THREAD_H
#define PROVIUM_CONTROL_THREAD_H

#include <stdbool.h>
#include <stdint.h>

#include "provium_wire.h"

enum { THREADS = PV_MAX_WORKERS + 1 };

struct threads {
  int64_t gone_since[THREADS]; /* of sys_now_ms; 0: not gone, or reported */
};

struct control;

bool thread_is(const struct control *control, uint32_t worker);
/* Makes a thread end as soon as its present call returns. Idempotent. */
void thread_end(struct control *control, uint32_t worker);
/*
 * Returns true if the thread is gone and its end can be reported. A thread that has not reported its end
 * itself probably ends with its process, whose status is known a little later.
 */
bool thread_is_gone(struct control *control, uint32_t worker);
/* Signals the threads that must end. Returns the milliseconds until the next look at threads, -1 without
 * threads. */
int thread_tick(struct control *control);

#endif
