/* Starts shell commands. */
#ifndef PROVIUM_COMMAND_H
#define PROVIUM_COMMAND_H

#include "decode.h"
#include "process.h"
#include "session.h"
#include "text.h"

struct command {
  const char *line; /* for sh -c */
  const char *cwd;  /* NULL: the agent's */
  char **environment;
  int input, output, error; /* standard descriptors */
  bool terminal;            /* they are a terminal, which becomes the controlling one */
  struct job_entry
      *job; /* of a job, whose process becomes a child of control; NULL: a child of this process */
};

/* Returns 0, or the errno (positive) of the step that failed, which *failure describes. */
int command_start(struct session *session, const struct command *command, struct process *process,
                  struct text *failure);

/* Returns a descriptor whose reader gets the end of the file: /dev/null, or a pipe without a writer. */
int command_null_input(const struct environment *environment);

/* Copies the strings of a request to the arena, where they stay during the request. Returns false without
 * memory. */
bool command_copy(struct session *session, const struct exec_request *request, struct command *command);

/*
 * Builds a command's environment in the arena at *used: the agent's own variables and the HOME of its user,
 * replaced and extended by the given variables. Returns a NULL-terminated list, or NULL without memory.
 */
char **command_environment(struct session *session, const struct exec_request *request, size_t *used);

#endif
