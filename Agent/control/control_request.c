#include "control_request.h"

#include "control.h"
#include "control_thread.h"
#include "decode.h"
#include "power.h"
#include "sys.h"

static void request_interrupt(struct control *control, struct span payload) {
  struct interrupt_request request;
  if (decode_interrupt(payload, &request) != 0) {
    outbox_send_error(&control->outbox, EINVAL, "malformed payload of INTERRUPT");
    return;
  }
  uint32_t reason = INTERRUPT_CALL | ((request.flags & PV_INTERRUPT_COMMAND) != 0 ? INTERRUPT_COMMAND : 0);
  interrupt_begin(control, request.target, request.request, reason);
}

static void request_kill_worker(struct control *control, struct span payload) {
  struct kill_request request;
  if (decode_kill(payload, &request) != 0) {
    outbox_send_error(&control->outbox, EINVAL, "malformed payload of KILL_WORKER");
    return;
  }
  struct slot *slot = &control->table->slots[request.worker];
  /* Numbers are used again: a worker with another pid is not the one that the host means. */
  if (slot->state == SLOT_FREE || slot->pid <= 0 || (request.pid != 0 && request.pid != slot->pid)) {
    outbox_send_error(&control->outbox, ESRCH, "no such worker");
    return;
  }
  control->kill_awaited[request.worker] = true;
  if (thread_is(control, request.worker)) {
    thread_end(control, request.worker);
  } else {
    sys_kill(slot->pid, SIGKILL);
  }
}

static void request_quiesce(struct control *control) {
  sys_call0(SYS_sync);
  control->peer.quiesced = true;
  outbox_send_done(&control->outbox);
}

static void request_echo(struct control *control, struct span payload) {
  if (payload.length > PV_LINK_MAX_PAYLOAD - PV_MESSAGE_HEADER_SIZE) {
    outbox_send_error(&control->outbox, EMSGSIZE, "ECHO on the control connection must fit one link frame");
  } else {
    outbox_send(&control->outbox, PV_DATA, payload.data, payload.length);
  }
}

static void request_follow_log(struct control *control, struct span payload) {
  struct follow_request request;
  int error = decode_follow(payload, &request);
  if (error != 0) {
    outbox_send_error(&control->outbox, error, "malformed payload of FOLLOW_LOG");
    return;
  }
  error = log_follow(control, request.start, request.credit);
  if (error != 0) {
    outbox_send_error(&control->outbox, error, "cannot open the kernel log");
  } else {
    outbox_send_done(&control->outbox);
  }
}

static void request_log_credit(struct control *control, struct span payload) {
  uint32_t bytes;
  if (decode_u32(payload, &bytes) != 0) {
    outbox_send_error(&control->outbox, EINVAL, "malformed payload of LOG_CREDIT");
  } else {
    log_add_credit(control, bytes);
  }
}

static void request_log_sync(struct control *control, struct span payload) {
  uint32_t token;
  if (decode_u32(payload, &token) != 0 || token == 0) {
    outbox_send_error(&control->outbox, EINVAL, "malformed payload of LOG_SYNC");
  } else {
    log_sync(control, token);
  }
}

/* Also works when the main agent is gone. */
static void request_shutdown(struct control *control) {
  outbox_send_ready(&control->outbox, control->table);
  outbox_flush(&control->outbox);
  power_off(control->environment);
}

void request_handle(struct control *control, struct message message) {
  /* The host sends credit for records that it received before it asked for QUIESCE. */
  control->peer.quiesced = control->peer.quiesced && message.type == PV_LOG_CREDIT;
  switch (message.type) {
  case PV_INTERRUPT: request_interrupt(control, message.payload); break;
  case PV_KILL_WORKER: request_kill_worker(control, message.payload); break;
  case PV_QUIESCE: request_quiesce(control); break;
  case PV_ECHO: request_echo(control, message.payload); break;
  case PV_FOLLOW_LOG: request_follow_log(control, message.payload); break;
  case PV_LOG_CREDIT: request_log_credit(control, message.payload); break;
  case PV_LOG_SYNC: request_log_sync(control, message.payload); break;
  case PV_SHUTDOWN: request_shutdown(control); break;
  default: outbox_send_error(&control->outbox, EOPNOTSUPP, "not a request of the control connection");
  }
}
