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

/* Instructions between two looks at the clock: a look costs about as much as ten. */
enum { CLB_WATCH_INTERVAL = 1000 };

/* The first place where a stopped script was found, kept because the last raise happens far outside of it. */
struct clb_stopped {
  enum clb_stop reason;
  char *file;
  int line;
  char *traceback;
};

struct clb_state {
  lua_State *main;
  struct clb_host host;
  struct clb_interrupt *interrupt;
  size_t memory_used, memory_limit;
  long allocations_left; /* negative: no fault is planned */
  uint64_t deadline;
  struct clb_stopped stopped;
  struct clb_outcome *outcome; /* of the innermost entry: where the message handler leaves its notes */
  int host_depth;              /* host callbacks on the C stack */
};

struct clb_interrupt {
  atomic_bool raised;
};

/* Every coroutine's extra space is a copy of the main state's: one pointer. */
static inline struct clb_state *state_of(lua_State *L) { return *(struct clb_state **)lua_getextraspace(L); }

/* values.c */
const struct clb_value *encode(lua_State *L, int first, size_t count);
const struct clb_value *push(lua_State *L, struct clb_value *values);

/* object.c */
void object_open(lua_State *L);
bool object_read(lua_State *L, int index, struct clb_value *value);
void object_push(lua_State *L, struct clb_value *value);
int object_define(lua_State *L, int32_t type);

/* host.c */
void host_push_function(lua_State *L, int64_t function);

/* reference.c */
void reference_open(lua_State *L);
int64_t reference_take(lua_State *L, int index);
void reference_push(lua_State *L, int64_t reference);

/* watch.c */
void watch_open(lua_State *L);
void watch_arm(lua_State *L, struct clb_state *state);
enum clb_stop watch_reason(const struct clb_state *state);
int watch_raise(lua_State *L, enum clb_stop reason);
void watch_late(lua_State *L, struct clb_state *state);

/* traceback.c */
char *traceback_collect(lua_State *L);
char *traceback_where(lua_State *L, int *line);

/* library.c */
void library_open(lua_State *L);

#endif
