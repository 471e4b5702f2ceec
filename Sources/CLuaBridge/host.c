/* Lua calls the host: the one place where an error of the host becomes a Lua error. */
#include "border.h"

/* Runs under pcall: pushing may run out of memory, and the reply must be freed after that too. */
static int host_push_reply(lua_State *L) {
  struct clb_reply *reply = lua_touserdata(L, 1);
  lua_settop(L, 0);
  if (reply->values.failed) return luaL_error(L, "not enough memory");
  struct clb_value *next = reply->values.values;
  luaL_checkstack(L, (int)reply->results + 8, "too many results");
  for (size_t i = 0; i < reply->results; i++)
    next = (struct clb_value *)clb_push(L, next);
  return (int)reply->results;
}

/* A function of the host, as Lua calls it. Upvalue: its number. */
static int host_call(lua_State *L) {
  struct clb_state *state = clb_state_of(L);
  enum clb_stop stop = clb_watch_reason(state);
  if (stop != CLB_RUNNING) return clb_watch_raise(L, stop);
  int count = lua_gettop(L);
  const struct clb_value *arguments = clb_encode(L, 1, (size_t)count);
  luaL_checkstack(L, 8, "too many arguments");
  int depth = lua_gettop(L);

  /* From here to clb_tree_clear nothing raises: the host's frame begins and ends in between. */
  struct clb_reply reply = {0};
  int64_t function = lua_tointeger(L, lua_upvalueindex(1));
  state->host_depth++;
  state->host.call(state->host.context, L, function, arguments, (size_t)count, &reply);
  state->host_depth--;
  bool balanced = lua_gettop(L) == depth;

  lua_settop(L, 0);
  lua_pushcfunction(L, host_push_reply);
  lua_pushlightuserdata(L, &reply);
  int status = lua_pcall(L, 1, LUA_MULTRET, 0);
  bool raises = reply.raises;
  clb_tree_clear(state, &reply.values);

  if (!balanced) return luaL_error(L, "a function of Provium left the Lua stack unbalanced");
  if (status != LUA_OK || raises) return lua_error(L);
  /* If the function took too long, the place of the stop is this line, not the one where the hook runs next.
   */
  stop = clb_watch_reason(state);
  if (stop != CLB_RUNNING) return clb_watch_raise(L, stop);
  return lua_gettop(L);
}

/* Stack: +1. Raises. */
void clb_host_push_function(lua_State *L, int64_t function) {
  lua_pushinteger(L, function);
  lua_pushcclosure(L, host_call, 1);
}
