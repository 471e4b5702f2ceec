/* Private to the bridge. "Raises" below means: may longjmp, so only under a pcall and from C frames. */
#ifndef CLB_BORDER_H
#define CLB_BORDER_H

#define _GNU_SOURCE /* vasprintf */

#include "include/clua_bridge.h"

#if !__has_include(<lauxlib.h>)
#error "Provium needs Lua 5.4, found by pkg-config: apt-get install liblua5.4-dev pkg-config"
#endif
#include <lauxlib.h>
#include <lua.h>
#include <lualib.h>
#include <stdatomic.h>

/* Instructions between two reads of the clock. A read costs about as much as ten instructions. */
enum { CLB_WATCH_INTERVAL = 1000 };

/* The number of caught errors that are kept. */
enum { CLB_CAUGHT_MAX = 64 };

/* An error that a script caught as a string; string and error are in a table of the registry. See error.c. */
struct clb_caught {
  bool is_placed;       /* the string has a place in a script, so that no other error has the same string */
  bool is_shared;       /* the string is short: all equal ones are one object */
  const void *function; /* the function of a script that got the string from a call; NULL: none */
  int line;             /* of that call */
};

struct clb_state {
  lua_State *main;
  struct clb_host host;
  struct clb_interrupt *interrupt;
  size_t memory_used, memory_limit;
  long allocations_left; /* negative: no fault is planned */
  uint64_t deadline;
  struct clb_stopped stopped;
  struct clb_caught caught[CLB_CAUGHT_MAX]; /* a ring; the next one is at caught_count % CLB_CAUGHT_MAX */
  unsigned caught_count;
  struct clb_outcome *outcome; /* of the innermost entry; the message handler writes to it */
  int host_depth;              /* host callbacks on the C stack */
};

struct clb_interrupt {
  atomic_bool raised;
};

/* Every coroutine's extra space is a copy of the main state's: one pointer. */
static inline struct clb_state *clb_state_of(lua_State *L) {
  return *(struct clb_state **)lua_getextraspace(L);
}

/* values.c */
const struct clb_value *clb_encode(lua_State *L, int first, size_t count);
const struct clb_value *clb_push(lua_State *L, struct clb_value *values);

/* object.c */
void clb_object_open(lua_State *L);
bool clb_object_read(lua_State *L, int index, struct clb_value *value);
void clb_object_push(lua_State *L, struct clb_value *value);
int clb_object_define(lua_State *L, int32_t type);

/* error.c */
void clb_error_open(lua_State *L);
void clb_error_push(lua_State *L, struct clb_value *value);
bool clb_error_read(lua_State *L, int index, int64_t *number, bool *is_quoting);
void clb_error_catch(lua_State *L, bool is_returned);
void clb_error_handled(lua_State *L);
bool clb_error_again(lua_State *L, int index, int text);

/* host.c */
void clb_host_push_function(lua_State *L, int64_t function);

/* reference.c */
void clb_reference_open(lua_State *L);
int64_t clb_reference_take(lua_State *L, int index);
void clb_reference_push(lua_State *L, int64_t reference);

/* watch.c */
void clb_watch_open(lua_State *L);
void clb_watch_arm(lua_State *L, struct clb_state *state);
enum clb_stop clb_watch_reason(struct clb_state *state);
bool clb_watch_outer_has_passed(struct clb_state *state);
int clb_watch_raise(lua_State *L, enum clb_stop reason);
void clb_watch_late(lua_State *L, struct clb_state *state);

/* traceback.c */
char *clb_traceback_where(lua_State *L, int *line);

/* library.c */
void clb_library_open(lua_State *L);

#endif
