/* Reads and writes files; shared by WRITE_PIECE, READ_STREAM and the requests of the first protocol. */
#ifndef PROVIUM_FILE_H
#define PROVIUM_FILE_H

#include "decode.h"
#include "session.h"

/* Writes a piece. Returns the number of bytes, or -1 after it has answered the request with ERROR. */
int64_t file_write(struct session *session, const struct write_request *request);

/*
 * Reads a file to its end, in pieces that it adds to the message that the caller has begun. After each piece
 * it calls `next` with all bytes read so far; `next` returns 0 to go on, or an errno. Returns the number of
 * bytes, or -1 after it has answered the request with ERROR. The size of a file in /proc is unknown before
 * its end.
 */
int64_t file_read(struct session *session, struct span path,
                  int (*next)(struct session *session, int64_t count));

#endif
