/* The messages between the host and a fork server, on the socket that connects them. */
#ifndef FORK_REQUEST_H
#define FORK_REQUEST_H

#include <stdint.h>

/* The server's descriptor of the socket. It sends "r" when it is ready. */
#define FORK_SOCKET 3
/* The environment variable that names the program which is served. */
#define FORK_PROGRAM "PROVIUM_FORK_PROGRAM"
/* The most descriptors that a process is given. */
#define FORK_DESCRIPTORS 64

/*
 * A request: one byte with descriptors (SCM_RIGHTS), first a file with this and the text after it, then those
 * for the process, in the order of their numbers here. The text has the directory to enter, the arguments,
 * and the environment (`NAME=value`), each with a zero at its end; an empty directory is none.
 *
 * The answer has four bytes in the machine's order: the number of the process, which sends it itself, or a
 * negative errno from the server.
 */
struct fork_request {
  int32_t parent; /* the process that the new one is a child of, and dies with */
  uint32_t argument_count;
  uint32_t environment_count;
  uint32_t descriptor_count;
  uint32_t text_size;                    /* bytes */
  int32_t descriptors[FORK_DESCRIPTORS]; /* their numbers in the process */
};

#endif
