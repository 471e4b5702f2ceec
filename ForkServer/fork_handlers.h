/* The handlers of fork(3) that the libraries of this process have registered (pthread_atfork(3)). */
#ifndef FORK_HANDLERS_H
#define FORK_HANDLERS_H

#include <stdbool.h>

/* For a function that takes the place of the libc's. */
#define REPLACES_LIBC __attribute__((visibility("default")))

typedef void handler(void);

/* False where there are more than this file notes. */
bool handlers_are_known(void);
void run_handlers_before(void);
void run_handlers_in_parent(void);
void run_handlers_in_child(void);

#endif
