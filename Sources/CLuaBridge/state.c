/* Opening and closing a state, and the allocator that bounds what a script may take. */
#include "border.h"

#include <stdlib.h>

static void *state_allocate(void *context, void *block, size_t old_size, size_t new_size) {
  struct clb_state *state = context;
  if (block == NULL) old_size = 0; /* then it is a type tag */
  if (new_size == 0) {
    free(block);
    state->memory_used -= old_size;
    return NULL;
  }
  if (new_size > old_size) { /* Lua relies on shrinking never to fail */
    if (state->allocations_left == 0) return NULL;
    if (state->allocations_left > 0) state->allocations_left--;
    size_t growth = new_size - old_size;
    if (state->memory_limit != 0 &&
        (growth > state->memory_limit || state->memory_used > state->memory_limit - growth))
      return NULL;
  }
  void *moved = realloc(block, new_size);
  if (moved == NULL) return new_size <= old_size ? block : NULL;
  state->memory_used += new_size - old_size;
  return moved;
}

static int state_open_libraries(lua_State *L) {
  luaL_openlibs(L);
  clb_reference_open(L);
  clb_object_open(L);
  clb_error_open(L);
  clb_library_open(L);
  return 0;
}

struct clb_state *clb_open(struct clb_host host, size_t memory_limit, struct clb_interrupt *interrupt) {
  struct clb_state *state = calloc(1, sizeof *state);
  if (state == NULL) return NULL;
  state->host = host;
  state->interrupt = interrupt;
  state->memory_limit = memory_limit;
  state->allocations_left = -1;
  state->deadline = UINT64_MAX;
  lua_State *L = lua_newstate(state_allocate, state);
  if (L == NULL) {
    free(state);
    return NULL;
  }
  state->main = L;
  *(struct clb_state **)lua_getextraspace(L) = state;
  lua_pushcfunction(L, state_open_libraries);
  if (lua_pcall(L, 0, 0, 0) != LUA_OK) {
    clb_close(state);
    return NULL;
  }
  clb_watch_open(L);
  return state;
}

void clb_close(struct clb_state *state) {
  lua_close(state->main);
  free(state->stopped.file);
  free(state->stopped.traceback);
  free(state);
}

lua_State *clb_main(const struct clb_state *state) { return state->main; }
size_t clb_memory_used(const struct clb_state *state) { return state->memory_used; }
void clb_fail_allocations(struct clb_state *state, long count) { state->allocations_left = count; }
int clb_stack_depth(lua_State *L) { return lua_gettop(L); }
