/*
 * The process table: what the control process and the serving processes know of each other. One block of
 * shared memory, which the control process maps before it starts the main agent and which all processes
 * inherit.
 *
 * Handoff messages (handoff.h) carry descriptors and wake-ups. All facts are in this table, so that no
 * process ever waits for an answer from a process that may be blocked.
 */
#ifndef PROVIUM_PROCESS_TABLE_H
#define PROVIUM_PROCESS_TABLE_H

#include <stdatomic.h>

#include "provium_wire.h"

enum slot_state { SLOT_FREE, SLOT_STARTING, SLOT_ALIVE };

enum interrupt_reason {
  INTERRUPT_CALL = 1u << 0,      /* end a blocking call */
  INTERRUPT_COMMAND = 1u << 1,   /* also end a running command */
  INTERRUPT_HOST_LOST = 1u << 2, /* the host does not wait for the reply: do not block to send it either */
};

/* One serving process: slot 0 is the main agent, slot n is worker n. */
struct slot {
  _Atomic uint32_t state;
  _Atomic uint32_t kind; /* PV_SPAWN_* */
  /* A thread's is its thread id. Written by the kernel (CLONE_PARENT_SETTID) before the worker's first
   * instruction. */
  _Atomic int32_t pid;
  /*
   * For a thread, which has no wait status: its number, until the kernel clears it at the thread's end
   * (CLONE_CHILD_CLEARTID). `exit_status` is what it has passed to exit(2), as a wait status.
   */
  _Atomic int32_t running;
  _Atomic uint32_t exit_status;
  _Atomic uint32_t must_end; /* a thread that must end as soon as its present system call returns */
  /* Odd while a request is handled. The start and the end of each request add one; the count never decreases.
   */
  _Atomic uint32_t operation;
  /* The value of `operation` when the present connection began: its request k is operation base + 2k - 1. */
  _Atomic uint32_t base;
  _Atomic uint32_t interrupted; /* the value of `operation` that must end early */
  _Atomic uint32_t interrupt_reason;
  _Atomic uint32_t quiesced; /* the last request was QUIESCE */
};

/* A job. The entry is free while `id` is 0. The process that sets `id` owns it; only control frees it. */
struct job_entry {
  _Atomic uint32_t id;
  _Atomic uint32_t owner; /* slot of the process that started the job */
  /*
   * The job's shell, leader of its own process group, as a pid that is valid for control. Written by the
   * kernel (CLONE_PARENT_SETTID) before the first instruction of the shell's process, and by that process; 0:
   * none, or reaped. The shell is a child of control, so no wait(2) of a script takes its status. Control
   * reaps it when its process group is empty: until then no other process can have this number.
   */
  _Atomic int32_t pid;
  _Atomic uint32_t started;   /* the shell has been executed, or has failed: `pid` is not written any more */
  _Atomic uint32_t ended;     /* `status` is final */
  _Atomic uint32_t status;    /* as from wait4(2) */
  _Atomic uint32_t read;      /* the host has read the final result: a full table may drop it */
  _Atomic uint32_t truncated; /* output beyond PV_MAX_JOB_STREAM was dropped */
  /* Counts of the messages to control about this job, sent and handled. `answered` is a futex. */
  _Atomic uint32_t asked, answered;
};

struct process_table {
  uint8_t boot_nonce[PV_NONCE_SIZE];
  _Atomic uint32_t next_job;
  struct slot slots[PV_MAX_WORKERS + 1];
  struct job_entry jobs[PV_MAX_JOBS];
};

#endif
