/* The kernel modules that the host has packed for the agent's channel and the root's disk. */
#ifndef PROVIUM_MODULES_H
#define PROVIUM_MODULES_H

/*
 * Loads the modules of /.provium/modules.list in order. Each line names a file in /.provium/modules, then
 * parameters. A line that begins with '?' names a module that the processor may not support: ENODEV is not
 * reported. A module that is loaded already is skipped. Every other failure is reported on the console, and
 * the next module is loaded.
 */
void modules_load(int private);

#endif
