/*
 * Descriptors that belong to the agent, kept out of the way of those that a test opens: moved to high
 * numbers, so that a script's first open(2) gives a small one, and known by a map, so that STATE can leave
 * them out.
 */
#ifndef PROVIUM_DESCRIPTOR_H
#define PROVIUM_DESCRIPTOR_H

#include <stdbool.h>

/*
 * Takes a descriptor (negative values pass through), gives back its hidden, close-on-exec equivalent. Where
 * the limit on descriptors leaves no high number it keeps the one it has.
 */
int descriptor_hide(int fd);
/* Closes a hidden descriptor; negative: nothing. */
void descriptor_close(int fd);
/* Closes every hidden descriptor but these. */
void descriptor_close_others(const int *kept, unsigned count);
bool descriptor_is_hidden(int fd);

#endif
