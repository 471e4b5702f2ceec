/* Copies the tree of injected files into a root. */
#ifndef PROVIUM_FILES_H
#define PROVIUM_FILES_H

#include "text.h"

/*
 * Copies the contents of the directory `from` into the directory `to`: directories, regular files and
 * symbolic links, with their modes and owners. An existing directory keeps its mode; an existing file is
 * replaced. Returns 0, or an errno and " (NAME)" of the file in *failed.
 */
int files_copy(int from, int to, struct text *failed);

#endif
