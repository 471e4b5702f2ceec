/* Finds the process that keeps a command's pipe open after the command has exited. */
#ifndef PROVIUM_PIPE_OWNER_H
#define PROVIUM_PIPE_OWNER_H

#include "environment.h"

struct pipe_owner {
  int32_t pid; /* 0: not found */
  char name[32];
};

/* Searches /proc for the first other process that has one of these pipes open. Ignores negative descriptors.
 */
void pipe_owner_find(const struct environment *environment, const int *pipes, int count,
                     struct pipe_owner *owner);

#endif
