/* The Lua functions that the host holds. They have a table of their own in the registry, so that a wrong
 * number cannot damage other entries. */
#include "border.h"

static char references_key;

/* Stack: as found. Raises. */
void clb_reference_open(lua_State *L) {
  lua_newtable(L);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &references_key);
}

/* `index` is absolute. Stack: +2 and back. Raises. */
int64_t clb_reference_take(lua_State *L, int index) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &references_key);
  lua_pushvalue(L, index);
  int reference = luaL_ref(L, -2);
  lua_pop(L, 1);
  return reference;
}

/* Stack: +1, +2 on the way. Does not raise. */
void clb_reference_push(lua_State *L, int64_t reference) {
  lua_rawgetp(L, LUA_REGISTRYINDEX, &references_key);
  lua_rawgeti(L, -1, reference);
  lua_remove(L, -2);
}

struct reference_list {
  const int64_t *numbers;
  size_t count;
};

static int reference_release_all(lua_State *L) {
  const struct reference_list *references = lua_touserdata(L, 1);
  lua_rawgetp(L, LUA_REGISTRYINDEX, &references_key);
  for (size_t i = 0; i < references->count; i++)
    luaL_unref(L, -1, (int)references->numbers[i]);
  return 0;
}

void clb_unref(struct clb_state *state, lua_State *L, const int64_t *numbers, size_t count) {
  (void)state;
  if (!lua_checkstack(L, 4)) return;
  struct reference_list references = {numbers, count};
  int depth = lua_gettop(L);
  lua_pushcfunction(L, reference_release_all);
  lua_pushlightuserdata(L, &references);
  lua_pcall(L, 1, 0, 0);
  lua_settop(L, depth);
}
