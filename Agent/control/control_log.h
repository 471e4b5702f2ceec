/*
 * Follows the kernel log: sends the records of /dev/kmsg to the host as they are logged.
 *
 * Records are read only while the host has given credit and reads what it gets. Otherwise the kernel
 * overwrites its oldest records, so that neither a guest that logs without end nor a slow host blocks the
 * other; lost records are counted.
 */
#ifndef PROVIUM_CONTROL_LOG_H
#define PROVIUM_CONTROL_LOG_H

#include <stdbool.h>
#include <stdint.h>

struct log_follower {
  int kmsg;           /* -1: not opened; stays open between sessions, which keeps the position */
  bool active;        /* the host of this session follows the log */
  bool may_have_more; /* the last read did not reach the end of the log */
  int64_t credit;     /* bytes that may be sent; the last message may have made it negative */
  bool has_position;
  uint64_t next;      /* sequence number of the next record, with has_position */
  uint64_t lost;      /* records that were overwritten since the last message */
  uint32_t token;     /* of a pending LOG_SYNC; 0: none */
  uint64_t sync_left; /* bytes of text after which all records from before the LOG_SYNC have been read */
};

struct control;

void log_init(struct control *control);
/* Starts to follow. `start` is one of PV_FOLLOW_*. Returns 0 or an errno. */
int log_follow(struct control *control, uint32_t start, uint32_t credit);
void log_add_credit(struct control *control, uint32_t bytes);
void log_sync(struct control *control, uint32_t token);
/* Ends following. The position stays. Idempotent. */
void log_stop(struct control *control);
/* Notes that records have been logged. */
void log_ready(struct control *control);
/* Queues at most one message of records. Returns true if more can be sent at once. */
bool log_send(struct control *control);

#endif
