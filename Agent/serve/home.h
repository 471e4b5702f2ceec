#ifndef PROVIUM_HOME_H
#define PROVIUM_HOME_H

#include "text.h"

/* Finds the home directory of the process's user (its effective uid) in the guest's /etc/passwd; "/" without
 * an entry. */
void home_find(struct text *home);

#endif
