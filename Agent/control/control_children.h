/* Handles the end of control's children: serving processes and shells of jobs. */
#ifndef PROVIUM_CONTROL_CHILDREN_H
#define PROVIUM_CONTROL_CHILDREN_H

#include <stdbool.h>

struct control;

/* Reaps the children that have ended, ends what belonged to them and tells the host. */
void children_reap(struct control *control);

/* The same for thread workers, whose end no signal reports. */
void children_reap_threads(struct control *control);

/* Returns true when the main agent and all workers are gone. */
bool children_are_gone(const struct control *control);

#endif
