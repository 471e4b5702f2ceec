/* A target needs a source file; the protocol is the header. */
#include "provium_wire.h"
