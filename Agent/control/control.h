/* The state of the control process, see control_loop.h. Its parts are in the headers of the modules that use
 * them. */
#ifndef PROVIUM_CONTROL_H
#define PROVIUM_CONTROL_H

#include "control_channel.h"
#include "control_drain.h"
#include "control_interrupt.h"
#include "control_job.h"
#include "control_log.h"
#include "control_outbox.h"
#include "control_peer.h"
#include "control_thread.h"
#include "control_watch.h"
#include "environment.h"

struct control {
  struct environment *environment;
  struct process_table *table;
  struct watch_set watches;
  int handoff; /* socket to the serving processes */
  struct outbox outbox;
  struct peer peer;
  struct channels channels;
  struct drain drains[PV_MAX_JOBS];
  struct job_state jobs[PV_MAX_JOBS];
  struct dying_shells dying;
  struct interrupt interrupts[TARGETS];
  struct log_follower log;
  struct threads threads;
  bool main_gone;
  int main_status;            /* as from wait4(2) */
  bool kill_awaited[TARGETS]; /* KILL_WORKER must be answered when the worker is gone */
};

#endif
