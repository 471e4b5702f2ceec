/* Several chains of calls in one state, of which one runs at a time. */
#include "border.h"

#include <stdlib.h>

struct chain_thread {
  lua_State *thread;
  int64_t reference;
};

static int chain_open_thread(lua_State *L) {
  struct chain_thread *opened = lua_touserdata(L, 1);
  opened->thread = lua_newthread(L);
  opened->reference = clb_reference_take(L, lua_gettop(L));
  return 0;
}

lua_State *clb_thread_open(struct clb_state *state, lua_State *L, int64_t *reference) {
  (void)state;
  if (!lua_checkstack(L, 8)) return NULL;
  struct chain_thread opened = {0};
  int depth = lua_gettop(L);
  lua_pushcfunction(L, chain_open_thread);
  lua_pushlightuserdata(L, &opened);
  int status = lua_pcall(L, 1, 0, 0);
  lua_settop(L, depth);
  *reference = opened.reference;
  return status == LUA_OK ? opened.thread : NULL;
}

void clb_chain_leave(struct clb_state *state, struct clb_chain *chain) {
  *chain = (struct clb_chain){
      .outcome = state->outcome,
      .stopped = state->stopped,
      .deadline = state->deadline,
      .host_depth = state->host_depth,
  };
  state->outcome = NULL;
  state->stopped = (struct clb_stopped){0};
  state->host_depth = 0;
}

void clb_chain_enter(struct clb_state *state, lua_State *L, const struct clb_chain *chain) {
  free(state->stopped.file);
  free(state->stopped.traceback);
  state->outcome = chain->outcome;
  state->stopped = chain->stopped;
  state->deadline = chain->deadline;
  state->host_depth = chain->host_depth;
  clb_watch_arm(L, state);
}
