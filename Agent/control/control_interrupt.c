#include "control_interrupt.h"

#include "control.h"
#include "sys.h"

enum { REPEAT_MS = 2, REPEATS_FAST = 100, REPEAT_SLOW_MS = 25 };

void interrupt_begin(struct control *control, uint32_t target, uint32_t request, uint32_t reason) {
  struct slot *slot = &control->table->slots[target];
  struct interrupt *interrupt = &control->interrupts[target];
  uint32_t base = slot->base, operation = slot->operation;
  uint32_t wanted = request != 0 ? base + 2 * request - 1 : operation;
  if (slot->state == SLOT_FREE || wanted % 2 == 0 || (int32_t)(operation - wanted) > 0) {
    return; /* no request is under way, or the named one is over */
  }
  uint32_t before = slot->interrupted == wanted ? slot->interrupt_reason : 0;
  slot->interrupt_reason = before | reason;
  slot->interrupted = wanted;
  *interrupt = (struct interrupt){true, wanted, base, 0};
}

void interrupt_all(struct control *control) {
  for (uint32_t target = 0; target < TARGETS; target++) {
    if (!control->table->slots[target].quiesced) {
      interrupt_begin(control, target, 0, INTERRUPT_CALL | INTERRUPT_COMMAND | INTERRUPT_HOST_LOST);
    }
  }
}

void interrupt_signal(struct control *control, uint32_t target, int signal) {
  const struct slot *slots = control->table->slots;
  if (slots[target].kind == PV_SPAWN_THREAD && target != 0) {
    sys_tgkill(slots[0].pid, slots[target].pid, signal);
  } else {
    sys_kill(slots[target].pid, signal);
  }
}

static void interrupt_send(struct control *control, uint32_t target) {
  const struct slot *slot = &control->table->slots[target];
  struct interrupt *interrupt = &control->interrupts[target];
  int32_t ahead = (int32_t)(interrupt->operation - slot->operation);
  if (ahead < 0 || slot->base != interrupt->base || slot->pid <= 0) {
    interrupt->active = false;
  } else if (ahead == 0) {
    interrupt_signal(control, target, PV_INTERRUPT_SIGNAL);
    interrupt->tries++;
  }
}

int interrupt_tick(struct control *control) {
  int timeout = -1;
  for (uint32_t target = 0; target < TARGETS; target++) {
    struct interrupt *interrupt = &control->interrupts[target];
    if (!interrupt->active) {
      continue;
    }
    interrupt_send(control, target);
    if (interrupt->active) {
      int wait = interrupt->tries < REPEATS_FAST ? REPEAT_MS : REPEAT_SLOW_MS;
      timeout = timeout < 0 || wait < timeout ? wait : timeout;
    }
  }
  return timeout;
}
