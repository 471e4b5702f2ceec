/* Kernel modules that the host has packed, because the agent's channel or the root's disk needs them. */
#ifndef PROVIUM_MODULES_H
#define PROVIUM_MODULES_H

/*
 * Loads what /.provium/modules.list names, in its order: a line is a file below /.provium/modules, then
 * parameters. One that is there already is fine; another failure is told and the next one tried.
 */
void modules_load(int private);

#endif
