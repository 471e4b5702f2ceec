#define _GNU_SOURCE
#include "fork_handlers.h"

#include <dlfcn.h>
#include <errno.h>
#include <stddef.h>

typedef int register_handlers(handler *, handler *, handler *, void *);

/* Takes the place of the libc's function, to which pthread_atfork leads. */
REPLACES_LIBC int __register_atfork(handler *, handler *, handler *, void *);

/* Libraries register them for what must differ between a process and its clone, random numbers above all. */
static struct fork_handlers { handler *prepare, *parent, *child; } handlers[64];
static unsigned handler_count;

int __register_atfork(handler *prepare, handler *parent, handler *child, void *library) {
  unsigned place = handler_count++;
  if (place < sizeof handlers / sizeof *handlers) {
    handlers[place] = (struct fork_handlers){prepare, parent, child};
  }
  register_handlers *real = (register_handlers *)dlsym(RTLD_NEXT, "__register_atfork");
  return real != NULL ? real(prepare, parent, child, library) : ENOMEM;
}

bool handlers_are_known(void) { return handler_count <= sizeof handlers / sizeof *handlers; }

void run_handlers_before(void) {
  for (unsigned i = handler_count; i > 0; i--) {
    if (handlers[i - 1].prepare != NULL) handlers[i - 1].prepare();
  }
}

void run_handlers_in_parent(void) {
  for (unsigned i = 0; i < handler_count; i++) {
    if (handlers[i].parent != NULL) handlers[i].parent();
  }
}

void run_handlers_in_child(void) {
  for (unsigned i = 0; i < handler_count; i++) {
    if (handlers[i].child != NULL) handlers[i].child();
  }
}
