#ifndef PROVIUM_POWER_H
#define PROVIUM_POWER_H

#include "environment.h"

/*
 * Syncs, remounts file systems on devices read-only and switches the guest off. Works with any init and
 * without one; running programs are not asked. In a test it ends the process.
 */
void power_off(const struct environment *environment);

#endif
