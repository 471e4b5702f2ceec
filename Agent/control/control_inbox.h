#ifndef PROVIUM_CONTROL_INBOX_H
#define PROVIUM_CONTROL_INBOX_H

struct control;

/* Handles all handoff messages that the serving processes have sent. Does not block. */
void inbox_take(struct control *control);

#endif
