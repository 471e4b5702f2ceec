/* What the host asks of control itself: INTERRUPT, KILL_WORKER, QUIESCE, ECHO, SHUTDOWN. And what control
 * tells it. */
#include <string.h>

#include "build_id.h"
#include "control.h"
#include "sys.h"

void control_send_ready(struct control *control) {
  uint8_t payload[8 + PV_NONCE_SIZE + PV_BUILD_ID_SIZE];
  uint16_t version = PV_PROTOCOL_VERSION, machine = SYS_MACHINE;
  int32_t pid = (int32_t)sys_getpid();
  memcpy(payload, &version, 2);
  memcpy(payload + 2, &machine, 2);
  memcpy(payload + 4, &pid, 4);
  memcpy(payload + 8, control->shared->boot_nonce, PV_NONCE_SIZE);
  memcpy(payload + 8 + PV_NONCE_SIZE, build_id, PV_BUILD_ID_SIZE);
  host_send(control, PV_READY, payload, sizeof payload);
}

void control_send_gone(struct control *control, uint32_t target, int pid, int status) {
  int32_t payload[3] = {(int32_t)target, pid, status};
  host_send(control, PV_GONE, payload, sizeof payload);
}

static void send_done(struct control *control) {
  int64_t value = 0;
  host_send(control, PV_DONE, &value, sizeof value);
}

static void handle_interrupt(struct control *control, struct span payload) {
  struct interrupt_request request;
  if (decode_interrupt(payload, &request) != 0) {
    host_send_error(control, EINVAL, "malformed interrupt request");
    return;
  }
  uint32_t reason = INTERRUPT_CALL | ((request.flags & PV_INTERRUPT_COMMAND) != 0 ? INTERRUPT_COMMAND : 0);
  interrupt_begin(control, request.target, request.request, reason);
}

static void handle_kill_worker(struct control *control, struct span payload) {
  struct kill_request request;
  if (decode_kill(payload, &request) != 0) {
    host_send_error(control, EINVAL, "malformed kill request");
    return;
  }
  struct slot *slot = &control->shared->slots[request.worker];
  /* Another one may have the number by now: the host's is gone then. */
  if (slot->state == SLOT_FREE || slot->pid <= 0 || (request.pid != 0 && request.pid != slot->pid)) {
    host_send_error(control, ESRCH, "no such worker");
    return;
  }
  control->kill_awaited[request.worker] = true;
  sys_kill(slot->pid, SIGKILL);
}

static void handle_quiesce(struct control *control) {
  sys_call0(SYS_sync);
  control->host.quiesced = true;
  send_done(control);
}

static void handle_echo(struct control *control, struct span payload) {
  if (payload.length > PV_LINK_MAX_PAYLOAD - PV_MESSAGE_HEADER_SIZE) {
    host_send_error(control, EMSGSIZE, "control echoes what fits one frame");
  } else {
    host_send(control, PV_DATA, payload.data, payload.length);
  }
}

void control_handle(struct control *control, uint8_t type, struct span payload) {
  control->host.quiesced = false;
  switch (type) {
  case PV_INTERRUPT: handle_interrupt(control, payload); break;
  case PV_KILL_WORKER: handle_kill_worker(control, payload); break;
  case PV_QUIESCE: handle_quiesce(control); break;
  case PV_ECHO: handle_echo(control, payload); break;
  case PV_SHUTDOWN: /* also when the main agent is gone */
    control_send_ready(control);
    host_flush(control);
    system_power_off(control->guest);
    break;
  default: host_send_error(control, EOPNOTSUPP, "not a request for the control connection");
  }
}
