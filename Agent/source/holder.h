/* Who still holds a pipe: the answer to "why did my command's output not end?". */
#ifndef PROVIUM_HOLDER_H
#define PROVIUM_HOLDER_H

#include "guest.h"

struct holder {
  int32_t pid; /* 0: not found */
  char name[32];
};

/* Looks through /proc for the first other process with one of these pipes (negative: ignored) among its
 * descriptors. */
void holder_find(const struct guest *guest, const int *pipes, int count, struct holder *holder);

#endif
