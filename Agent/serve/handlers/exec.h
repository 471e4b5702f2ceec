/* Runs a command in the foreground and delivers its output as it comes. */
#ifndef PROVIUM_EXEC_H
#define PROVIUM_EXEC_H

#include "command.h"
#include "pipe_owner.h"

/* A receiver of output. Returns false to end the command. */
struct exec_output {
  bool (*deliver)(struct session *session, int stream, struct span bytes, void *context);
  void *context;
};

struct exec_result {
  bool refused;        /* `deliver` has ended the command */
  bool status_unknown; /* another wait has taken the exit status */
  int status;          /* as from wait4(2) */
  uint32_t flags;      /* PV_DONE_* */
  struct pipe_owner owner;
};

/*
 * Runs the command of a request until it has ended. Returns 0, or an errno with a description in *failure if
 * the command did not start. Every end of the wait kills the command's process group: its time limit, an
 * interruption, a lost host.
 */
int exec_run(struct session *session, const struct exec_request *request, struct exec_output output,
             struct exec_result *result, struct text *failure);

#endif
