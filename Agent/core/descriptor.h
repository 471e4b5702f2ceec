/*
 * The agent's own descriptors. They have high numbers, so that the first descriptor a script opens is a small
 * one, and a map records them, so that STATE leaves them out.
 */
#ifndef PROVIUM_DESCRIPTOR_H
#define PROVIUM_DESCRIPTOR_H

#include <stdbool.h>

/*
 * Moves a descriptor to a high number, marks it close-on-exec and hidden, and returns the new number.
 * Negative values are returned unchanged. When the limit on descriptors allows no high number, the number
 * stays.
 */
int descriptor_hide(int fd);
/* Closes a hidden descriptor. Ignores negative values. */
void descriptor_close(int fd);
/* Closes every hidden descriptor except `kept`. */
void descriptor_close_others(const int *kept, unsigned count);
bool descriptor_is_hidden(int fd);

#endif
