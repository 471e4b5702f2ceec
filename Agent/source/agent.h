/* A serving process: the main agent or a worker. Handles one request at a time, on one thread, for its whole
 * life. */
#ifndef PROVIUM_AGENT_H
#define PROVIUM_AGENT_H

#include "call_memory.h"
#include "connection.h"
#include "endpoint.h"
#include "guest.h"

enum { COMMAND_STACK_SIZE = 65536 };

/* What the owner of a background command knows of it; the rest stands in shared memory under the same index.
 */
struct job {
  uint32_t id; /* 0: none */
  int32_t pid;
  int files[2]; /* stdout, stderr; hidden */
  uint64_t
      sizes[2]; /* once finished: what was written later, by others who held the pipe, is not the job's */
  int status;
  bool finished, truncated;
};

struct agent {
  struct guest *guest;
  struct slot *slot;
  uint32_t number; /* 0: main, else the worker's */
  bool is_thread;
  struct connection connection;
  struct endpoint endpoint;
  struct buffer arena; /* strings and lists; valid during one request */
  struct call_memory memory;
  struct buffer capture[2]; /* stdout and stderr of EXEC, which come in one reply */
  uint8_t *command_stack;   /* of a command's process until it is another program */
  int input;                /* what STDIN requests have brought, hidden; -1: nothing */
  int file;                 /* the open file of WRITE_PIECE, hidden; -1: none */
  struct job jobs[PV_MAX_JOBS];
  void *worker_memory[PV_MAX_WORKERS + 1]; /* of thread-mode workers, to be freed once they are gone */
};

/* 0 or -ENOMEM. */
int agent_init(struct agent *agent, struct guest *guest, uint32_t number);

/* Serves one connection after the other; returns when there can be no other. */
void agent_serve(struct agent *agent);

/* True when control wants the request under way to end early, for one of these reasons. */
bool agent_interrupted(const struct agent *agent, uint32_t reasons);

/* A zero-terminated copy in the arena behind what is there, up to *used; NULL without memory. */
char *agent_copy_string(struct agent *agent, struct span text, size_t *used);

/* Closes what belongs to one connection: the open file, collected input. */
void agent_drop_session(struct agent *agent);

/* ---- handlers: each answers its request, whatever happens ---- */
void handle_call(struct agent *agent, struct message message);
void handle_exec(struct agent *agent, struct message message);
void handle_exec_full(struct agent *agent, struct message message);
void handle_stdin(struct agent *agent, struct span payload);
void handle_exec_async(struct agent *agent, struct span payload);
void handle_job_wait(struct agent *agent, struct span payload);
void handle_job_kill(struct agent *agent, struct span payload);
void handle_job_collect(struct agent *agent, struct span payload);
void handle_write(struct agent *agent, struct message message);
void handle_read_file(struct agent *agent, struct span payload);
void handle_read_stream(struct agent *agent, struct span payload);
void handle_stat(struct agent *agent, struct span payload);
void handle_list(struct agent *agent, struct span payload);
void handle_kernel_log(struct agent *agent, struct span payload);
void handle_mount_vfs(struct agent *agent, struct span payload);
void handle_mount(struct agent *agent, struct span payload);
void handle_spawn_worker(struct agent *agent, struct span payload);
void handle_resume(struct agent *agent, struct span payload);
void handle_quiesce(struct agent *agent, struct span payload);
void handle_state(struct agent *agent, struct span payload);
void handle_shutdown(struct agent *agent, struct span payload);

/* READY, also SHUTDOWN's acknowledgement. */
bool agent_send_ready(struct agent *agent);

#endif
