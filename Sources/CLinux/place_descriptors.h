#ifndef PLACE_DESCRIPTORS_H
#define PLACE_DESCRIPTORS_H

#include "clinux.h"

/* The most descriptors that a child is given. */
#define PLACED_DESCRIPTORS 64

/*
 * Gives this process the descriptors of `map` under their numbers in the child, and closes all others. Hosts
 * before Linux 5.9 close them on exec, if they are marked so. Async-signal-safe. Returns 0 or an errno.
 * A fork server is compiled with this file too.
 */
int place_descriptors(const struct clinux_fd_map *map, size_t count);

#endif
