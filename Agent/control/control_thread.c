#include "control_thread.h"

#include "control.h"

/* A thread reports its end. A seccomp filter can end one without a report, so all are looked at now and then.
 */
enum { ENDING_MS = 2, LOOK_MS = 200 };

bool thread_is(const struct control *control, uint32_t worker) {
  const struct slot *slot = &control->table->slots[worker];
  return worker != 0 && slot->kind == PV_SPAWN_THREAD && slot->state != SLOT_FREE && slot->pid > 0;
}

void thread_end(struct control *control, uint32_t worker) {
  control->table->slots[worker].must_end = 1;
  interrupt_begin(control, worker, 0, INTERRUPT_CALL | INTERRUPT_COMMAND | INTERRUPT_HOST_LOST);
}

bool thread_is_gone(const struct control *control, uint32_t worker) {
  return control->table->slots[worker].running == 0;
}

int thread_tick(struct control *control) {
  int timeout = -1;
  for (uint32_t n = 1; n < TARGETS; n++) {
    if (!thread_is(control, n)) {
      continue;
    }
    if (control->table->slots[n].must_end) {
      interrupt_signal(control, n, PV_INTERRUPT_SIGNAL);
      timeout = ENDING_MS;
    }
    timeout = timeout < 0 ? LOOK_MS : timeout;
  }
  return timeout;
}
