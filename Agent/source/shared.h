/*
 * What control and the serving processes know of each other: one page-aligned block of shared memory, made by
 * control before it starts the main agent and inherited by everybody.
 *
 * Messages between them (internal.h) carry descriptors and wake-ups; the facts are here, so that nobody ever
 * waits for an answer from a process that may be blocked.
 */
#ifndef PROVIUM_SHARED_H
#define PROVIUM_SHARED_H

#include <stdatomic.h>

#include "provium_wire.h"

enum slot_state { SLOT_FREE, SLOT_STARTING, SLOT_ALIVE };

enum interrupt_reason {
  INTERRUPT_CALL = 1u << 0,      /* blocking calls */
  INTERRUPT_COMMAND = 1u << 1,   /* also a running command */
  INTERRUPT_HOST_LOST = 1u << 2, /* nobody waits for the reply any more: do not wait to send it either */
};

/* One serving process: the main agent is slot 0, worker n is slot n. */
struct slot {
  _Atomic uint32_t state;
  _Atomic uint32_t is_thread;
  _Atomic int32_t pid; /* written by the kernel (CLONE_PARENT_SETTID) before the worker's first instruction */
  /* Odd while a request is being handled; each start and end adds one, and nothing ever takes it back. */
  _Atomic uint32_t operation;
  _Atomic uint32_t base;        /* of the present session: its request k is operation base + 2k - 1 */
  _Atomic uint32_t interrupted; /* the value of `operation` that is to end early */
  _Atomic uint32_t interrupt_reason;
  _Atomic uint32_t quiesced; /* the last request was QUIESCE */
};

/* A background command. The entry is free while id is 0; whoever sets id owns it, and control alone frees it.
 */
struct job_entry {
  _Atomic uint32_t id;
  _Atomic uint32_t owner; /* slot that started it */
  /*
   * The shell, leader of its own process group, as control sees it; written by the kernel
   * (CLONE_PARENT_SETTID) before its first instruction and by itself, 0: none, or it has been reaped. It is a
   * child of control, which reaps it only when nobody of its group lives on: until then the number is nobody
   * else's. And no wait(2) of a script takes its status.
   */
  _Atomic int32_t pid;
  _Atomic uint32_t ended;           /* `status` is final */
  _Atomic uint32_t status;          /* as from wait4(2) */
  _Atomic uint32_t read;            /* the final result has been: it makes room when the table is full */
  _Atomic uint32_t truncated;       /* output beyond PV_MAX_JOB_STREAM was dropped */
  _Atomic uint32_t asked, answered; /* messages to control about it: counts; `answered` is a futex */
};

struct shared {
  uint8_t boot_nonce[PV_NONCE_SIZE];
  _Atomic uint32_t next_job;
  struct slot slots[PV_MAX_WORKERS + 1];
  struct job_entry jobs[PV_MAX_JOBS];
};

#endif
