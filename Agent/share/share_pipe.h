/*
 * The share process: carries FUSE messages between /dev/fuse and the host, which is the file server. It knows
 * nothing of files. It keeps each request until its reply has come, and sends it again when the host
 * connects again: a request that is lost would block its process for ever.
 */
#ifndef PROVIUM_SHARE_PIPE_H
#define PROVIUM_SHARE_PIPE_H

#include "environment.h"
#include "sys.h"

/* Receives the shares (HANDOFF_SHARE) from the main agent over `handoff`. Does not return. */
NO_RETURN void share_pipe_run(const struct environment *environment, int handoff);

#endif
