/* The header is the whole target. */
#include "provium_wire.h"
