#include "control_thread.h"

#include "control.h"
#include "sys.h"

/* A thread reports its end. A seccomp filter can end one without a report, so all are looked at now and then.
 */
enum { ENDING_MS = 2, LOOK_MS = 200, PROCESS_END_MS = 1000 };

bool thread_is(const struct control *control, uint32_t worker) {
  const struct slot *slot = &control->table->slots[worker];
  return worker != 0 && slot->kind == PV_SPAWN_THREAD && slot->state != SLOT_FREE && slot->pid > 0;
}

void thread_end(struct control *control, uint32_t worker) {
  control->table->slots[worker].must_end = 1;
  interrupt_begin(control, worker, 0, INTERRUPT_CALL | INTERRUPT_COMMAND | INTERRUPT_HOST_LOST);
}

bool thread_is_gone(struct control *control, uint32_t worker) {
  const struct slot *slot = &control->table->slots[worker];
  int64_t *since = &control->threads.gone_since[worker];
  if (slot->running != 0) {
    *since = 0;
    return false;
  }
  *since = *since == 0 ? sys_now_ms() : *since;
  bool is_reported = slot->must_end || sys_now_ms() - *since > PROCESS_END_MS;
  *since = is_reported ? 0 : *since;
  return is_reported;
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
