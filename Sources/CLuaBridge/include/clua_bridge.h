/*
 * The Lua border. Everything that can raise a Lua error (longjmp) is behind this header, in C. No function
 * declared here raises to its caller, and no raise crosses a frame of the host:
 *
 *   Lua -> host_call (C: encodes the arguments) -> host.call (Swift: reads, works, fills a reply) -> returns
 *       -> host_call (C: pushes the reply, or raises)
 *   Swift -> clb_call (C: lua_pcall, message handler, deadline scope) -> Lua -> clb_outcome -> Swift
 *
 * Values cross the border as a flat array in preorder: a table is one clb_value followed by `length` array
 * elements, then by `pairs` keys and values in turn.
 *
 *   { TABLE length=2 pairs=1 } { INTEGER 1 } { INTEGER 2 } { STRING "key" } { STRING "value" }
 *
 * One thread at a time uses a state. Only clb_interrupt is thread-safe.
 */
#ifndef CLUA_BRIDGE_H
#define CLUA_BRIDGE_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct lua_State lua_State;
struct clb_state;
struct clb_interrupt;

enum clb_kind {
  CLB_NIL,
  CLB_BOOLEAN,
  CLB_INTEGER,
  CLB_NUMBER,
  CLB_STRING,
  CLB_TABLE,
  CLB_FUNCTION, /* integer: a reference, given back by clb_unref. Outgoing, length: the host's number of the
                   object that keeps the reference alive, given back by host.release */
  CLB_NATIVE,   /* integer: the host's number of a function; outgoing only */
  CLB_OBJECT,   /* integer: the host's number of an object, 0 once released; type: its type's */
  CLB_RAISED, /* outgoing only, the value to raise; integer: the host's number of an error; bytes: its text */
  CLB_NULL,   /* the sentinel for "null" in data: the light userdata 0 */
  CLB_OPAQUE, /* incoming only; bytes: the name of a Lua type that the host does not use */
  CLB_CYCLE,  /* incoming only: a table that contains itself */
  CLB_TOO_DEEP, /* incoming only: tables nested beyond CLB_MAX_DEPTH */
};

enum { CLB_MAX_DEPTH = 64 };

struct clb_value {
  enum clb_kind kind;
  int32_t type;
  int64_t integer; /* also a boolean's 0 or 1 */
  double number;
  bool is_placed;    /* of an error: its text begins with a place in a script */
  const char *bytes; /* incoming: Lua's memory, valid while the call or the outcome lasts */
  size_t length;     /* of a string, in bytes; of a table, its array elements; of a function, see above */
  size_t pairs;
};

/* Values on their way into Lua. The caller zero-initialises it; the function that it is passed to empties it.
 */
struct clb_tree {
  struct clb_value *values;
  size_t count, capacity;
  bool failed; /* memory ran out while it was built */
};

/* Appends a copy, of a string's bytes too. Takes over the number of an object or error: host.release gives it
 * back. */
void clb_tree_add(struct clb_tree *tree, const struct clb_value *value);
/* Empties a tree that is not passed on. */
void clb_tree_clear(struct clb_state *state, struct clb_tree *tree);

/* The reply of a host function: `results` values, or one error value to raise. */
struct clb_reply {
  struct clb_tree values;
  size_t results;
  bool raises;
};

/* The host's functions. They never raise, and call Lua only through this header. */
struct clb_host {
  void *context;
  void (*call)(void *context, lua_State *L, int64_t function, const struct clb_value *arguments, size_t count,
               struct clb_reply *reply);
  void (*release)(void *context, int64_t object);
  void (*print)(void *context, const char *bytes, size_t length);
  /* The earliest deadline in force, without those of the `skipped` innermost calls of clb_call. Asked when the
   * deadline that C knows has been reached: the host may have moved it. */
  uint64_t (*deadline)(void *context, int skipped);
};

/* A new state with the standard library; NULL when memory runs out. `memory_limit` in bytes, 0: none.
 * `interrupt` is borrowed and must outlive the state. */
struct clb_state *clb_open(struct clb_host host, size_t memory_limit, struct clb_interrupt *interrupt);
/* Runs all finalizers and frees everything. */
void clb_close(struct clb_state *state);

lua_State *clb_main(const struct clb_state *state);
size_t clb_memory_used(const struct clb_state *state);
/* For fault tests: makes every allocation after the next `count` fail. Negative: none fails. */
void clb_fail_allocations(struct clb_state *state, long count);
/* The number of values on the stack of `L`. It is the same before and after each binding. */
int clb_stack_depth(lua_State *L);

/* Why a script was stopped. */
enum clb_stop { CLB_RUNNING, CLB_STOPPED_BY_DEADLINE, CLB_STOPPED_BY_INTERRUPT };

/* The place where a script was stopped first. The stop is raised at every instruction after it, last far
 * outside of that place. */
struct clb_stopped {
  enum clb_stop reason;
  char *file;
  int line;
  char *traceback;
};

enum clb_status { CLB_OK, CLB_ERROR, CLB_SYNTAX_ERROR, CLB_OUT_OF_MEMORY, CLB_ERROR_IN_HANDLER };

/* The result of an entry into Lua. */
struct clb_outcome {
  enum clb_status status;
  const struct clb_value *values; /* the results, or one error value; until clb_outcome_release */
  size_t count;                   /* top-level values */
  char *file;                     /* innermost frame of a script when the error was raised; NULL: none */
  int line;
  char *traceback; /* script frames only, innermost first, a line each; may be NULL */
  int64_t
      error; /* the host's number of the error that was raised; 0: the error is Lua's or the script's own */
  bool is_quoting; /* the script put words around that error's text; `values` has the whole text */
  enum clb_stop stop;
  bool own_deadline; /* stopped by the deadline given to this very call, not by an outer one */
  int skipped;       /* host frames that a longjmp crossed: not 0 only if the border is broken */
  int depth;         /* private: the stack's depth to return to */
};

/* Calls `values[0]` with the rest as arguments, under pcall. `deadline`: CLOCK_MONOTONIC nanoseconds at which
 * host.deadline is asked, UINT64_MAX: none of its own; an outer, earlier one stays in force. `L`: the state or coroutine that is
 * running now. */
void clb_call(struct clb_state *state, lua_State *L, struct clb_tree *values, uint64_t deadline,
              struct clb_outcome *outcome);
/* Compiles source text (no binary chunks) into one function. `name` as Lua's chunk names: "@path" or "=text".
 */
void clb_load(struct clb_state *state, lua_State *L, const char *bytes, size_t length, const char *name,
              struct clb_outcome *outcome);
/* `values`: a name and a value. */
void clb_set_global(struct clb_state *state, lua_State *L, struct clb_tree *values,
                    struct clb_outcome *outcome);
/* `values`: a name. */
void clb_get_global(struct clb_state *state, lua_State *L, struct clb_tree *values,
                    struct clb_outcome *outcome);
/* `values`: the type's name, a table of methods, and functions for an unknown member (object, key), for an
 * assignment (object, key, value), and for tostring (object). `type` is the host's number for it, from 1. */
void clb_define_type(struct clb_state *state, lua_State *L, int32_t type, struct clb_tree *values,
                     struct clb_outcome *outcome);
/* Gives references back. */
void clb_unref(struct clb_state *state, lua_State *L, const int64_t *references, size_t count);
/* Frees what the outcome holds and restores the stack. Call it after every entry, before the next one. */
void clb_outcome_release(lua_State *L, struct clb_outcome *outcome);

/* The innermost line of a script (a chunk named "@…") that is running in `L`. False: there is none.
 * `file` is Lua's memory, valid while that function runs. */
bool clb_where(lua_State *L, const char **file, size_t *length, int *line);

/* The script frames that are running in `L`, innermost first, a line each. The caller frees it; NULL: none.
 */
char *clb_traceback(lua_State *L);

/* The deadline in force for the running script; UINT64_MAX: none. */
void clb_set_deadline(struct clb_state *state, uint64_t deadline);

/* ---- Several chains of calls ----
 *
 * Calls between the host and Lua are nested, on one thread. A state can have several such chains, each on a
 * thread and on a Lua thread of its own, if they take turns: a chain is left and entered again only inside of a
 * host function, and no two threads are ever inside of the bridge at the same time. */

/* The part of a state that belongs to one chain of calls. */
struct clb_chain {
  struct clb_outcome *outcome;
  struct clb_stopped stopped;
  uint64_t deadline;
  int host_depth;
};

/* A new Lua thread, kept alive by a reference that clb_unref gives back; NULL when memory runs out. */
lua_State *clb_thread_open(struct clb_state *state, lua_State *L, int64_t *reference);
/* Leaves the present chain. The state then has a new one, with the same deadline. */
void clb_chain_leave(struct clb_state *state, struct clb_chain *chain);
/* Enters a chain that was left in `L`; what the present one holds is freed. */
void clb_chain_enter(struct clb_state *state, lua_State *L, const struct clb_chain *chain);

/* A flag that ends a script, settable from any thread. */
struct clb_interrupt *clb_interrupt_create(void);
void clb_interrupt_destroy(struct clb_interrupt *interrupt);
void clb_interrupt_set(struct clb_interrupt *interrupt, bool raised);

#endif
