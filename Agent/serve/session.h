/* The state of a serving process: the main agent or a worker. It handles one request at a time, on one
 * thread. */
#ifndef PROVIUM_SESSION_H
#define PROVIUM_SESSION_H

#include "call_memory.h"
#include "connection.h"
#include "endpoint.h"
#include "environment.h"
#include "sys.h"

enum { COMMAND_STACK_SIZE = 65536 };

/* The private half of a job. The shared half is the entry of the process table with the same index. */
struct job {
  uint32_t id; /* 0: none */
  int32_t pid;
  int files[2];      /* stdout, stderr; hidden */
  int streams[3];    /* of a process: our ends of stdin, stdout, stderr; hidden; -1: closed */
  bool is_terminal;  /* streams 0 and 1 are the master of a pseudo-terminal */
  uint64_t sizes[2]; /* at its end; bytes that other processes write to the pipes later are not the job's */
  int status;
  bool finished, truncated;
};

struct session {
  struct environment *environment;
  struct slot *slot;
  uint32_t number; /* 0: the main agent; n: worker n */
  struct connection connection;
  struct endpoint endpoint;
  struct buffer arena; /* strings and lists; valid during one request */
  struct call_memory memory;
  uint8_t *command_stack; /* of a command's process until it executes the shell */
  int input;              /* the bytes of STDIN requests, hidden; -1: none */
  int file;               /* the open file of WRITE_PIECE, hidden; -1: none */
  struct job jobs[PV_MAX_JOBS];
  struct session *sharers[PV_MAX_WORKERS + 1]; /* workers in this memory, which the main agent frees */
  /* Serves the connections of a new worker. A pointer, because the serve loop depends on the request
   * handlers. */
  void (*serve)(struct session *session);
};

/* Returns 0 or -ENOMEM. */
int session_init(struct session *session, struct environment *environment, uint32_t number);

/* Frees all memory and descriptors of a session whose process has ended. */
void session_free(struct session *session);

/* Ends this serving process; of a thread worker only the thread. */
NO_RETURN void session_exit(struct session *session, int status);

/* Returns true when control wants the present request to end early for one of `reasons` (enum
 * interrupt_reason). */
bool session_interrupted(const struct session *session, uint32_t reasons);

/* Copies `text` into the arena at *used, with a zero, and advances *used. Returns NULL without memory. */
char *session_copy_string(struct session *session, struct span text, size_t *used);

/* Drops what belongs to one connection: the open file and collected input. */
void session_reset(struct session *session);

#endif
