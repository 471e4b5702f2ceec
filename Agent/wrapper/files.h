/* Copying a tree of injected files into a root. */
#ifndef PROVIUM_FILES_H
#define PROVIUM_FILES_H

#include "text.h"

/*
 * Copies what is in the directory `from` into the directory `to`: directories, regular files and symbolic
 * links, with their modes and owners. A directory that is there keeps its mode; a file is replaced. 0, or an
 * errno with " (NAME)" of what failed in *failed.
 */
int files_copy(int from, int to, struct text *failed);

#endif
