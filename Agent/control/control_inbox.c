#include "control_inbox.h"

#include "control.h"
#include "handoff.h"
#include "sys.h"

static void inbox_handle(struct control *control, const struct handoff_message *message) {
  bool names_job = message->number < PV_MAX_JOBS;
  if (message->kind == HANDOFF_WORKER && message->number < TARGETS && message->count == 1) {
    channel_add(control, message->number, message->descriptors[0]);
  } else if (message->kind == HANDOFF_JOB && names_job && message->count == 2 * DRAIN_STREAMS) {
    drain_add(control, message->number, message->descriptors);
  } else if (message->kind >= HANDOFF_JOB_UPDATE && message->kind <= HANDOFF_JOB_FREE && names_job) {
    job_handle(control, message);
  } else { /* ENDING needs no action here: its arrival wakes control, which then checks all threads */
    for (uint32_t i = 0; i < message->count; i++) {
      sys_close(message->descriptors[i]);
    }
  }
}

void inbox_take(struct control *control) {
  struct handoff_message message;
  while (handoff_receive(control->handoff, &message, MSG_DONTWAIT) == 0) {
    inbox_handle(control, &message);
  }
}
