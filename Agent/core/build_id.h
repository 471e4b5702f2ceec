/* A hash of the sources that the agent was built from; build.sh generates the definition. */
#ifndef PROVIUM_BUILD_ID_H
#define PROVIUM_BUILD_ID_H

#include "provium_wire.h"

extern const uint8_t build_id[PV_BUILD_ID_SIZE];

#endif
