/* The host's objects as userdata. An object has one userdata as long as a script holds it, so that `==`
 * works. */
#include "border.h"

static char types_key, objects_key, mark_key;

struct object {
  int64_t number; /* the host's; 0 once released */
  int32_t type;
};

/* Stack: as found. Raises. */
void clb_object_open(lua_State *L) {
  lua_newtable(L);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &types_key);
  lua_newtable(L);
  lua_createtable(L, 0, 1);
  lua_pushliteral(L, "v");
  lua_setfield(L, -2, "__mode");
  lua_setmetatable(L, -2);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &objects_key);
}

static struct object *object_at(lua_State *L, int index) {
  if (lua_type(L, index) != LUA_TUSERDATA || !lua_getmetatable(L, index)) return NULL;
  int marked = lua_rawgetp(L, -1, &mark_key);
  lua_pop(L, 2);
  return marked == LUA_TBOOLEAN ? lua_touserdata(L, index) : NULL;
}

/* Reads an object of the host. False: the value is something else. Stack: +2 and back. Does not raise. */
bool clb_object_read(lua_State *L, int index, struct clb_value *value) {
  const struct object *object = object_at(L, index);
  if (object == NULL) return false;
  value->kind = CLB_OBJECT;
  value->integer = object->number;
  value->type = object->type;
  return true;
}

/* Pushes the object's userdata; from then on the userdata owes the host a release, and the value's number is
 * 0. Stack: +1, +4 on the way. Raises; then the value still owes it. */
void clb_object_push(lua_State *L, struct clb_value *value) {
  struct clb_state *state = clb_state_of(L);
  lua_rawgetp(L, LUA_REGISTRYINDEX, &objects_key);
  if (lua_rawgeti(L, -1, value->integer) == LUA_TUSERDATA) {
    state->host.release(state->host.context, value->integer);
  } else {
    lua_pop(L, 1);
    struct object *object = lua_newuserdatauv(L, sizeof *object, 0);
    *object = (struct object){.number = 0, .type = value->type};
    lua_rawgetp(L, LUA_REGISTRYINDEX, &types_key);
    lua_rawgeti(L, -1, value->type);
    lua_setmetatable(L, -3);
    lua_pop(L, 1);
    lua_pushvalue(L, -1);
    lua_rawseti(L, -3, value->integer);
    object->number = value->integer;
  }
  value->integer = 0;
  lua_remove(L, -2);
}

static int object_gc(lua_State *L) {
  struct object *object = object_at(L, 1);
  if (object == NULL || object->number == 0) return 0;
  int64_t number = object->number;
  object->number = 0;
  struct clb_state *state = clb_state_of(L);
  state->host.release(state->host.context, number);
  return 0;
}

/* __index: a method, else the result of the host's function for unknown members. Upvalues: the methods, that
 * function. */
static int object_index(lua_State *L) {
  lua_settop(L, 2);
  lua_pushvalue(L, 2);
  if (lua_rawget(L, lua_upvalueindex(1)) != LUA_TNIL) return 1;
  lua_settop(L, 2);
  lua_pushvalue(L, lua_upvalueindex(2));
  lua_insert(L, 1);
  lua_call(L, 2, 1);
  return 1;
}

/* Stack on entry: name, methods, index, newindex, tostring from 1 on. Raises. */
int clb_object_define(lua_State *L, int32_t type) {
  luaL_checkstack(L, 8, NULL);
  lua_createtable(L, 0, 8);
  lua_pushboolean(L, 1);
  lua_rawsetp(L, -2, &mark_key);
  lua_pushvalue(L, 1);
  lua_setfield(L, -2, "__name");
  lua_pushvalue(L, 1);
  lua_setfield(L, -2, "__metatable");
  lua_pushvalue(L, 2);
  lua_pushvalue(L, 3);
  lua_pushcclosure(L, object_index, 2);
  lua_setfield(L, -2, "__index");
  lua_pushvalue(L, 4);
  lua_setfield(L, -2, "__newindex");
  lua_pushvalue(L, 5);
  lua_setfield(L, -2, "__tostring");
  lua_pushcfunction(L, object_gc);
  lua_setfield(L, -2, "__gc");
  lua_rawgetp(L, LUA_REGISTRYINDEX, &types_key);
  lua_insert(L, -2);
  lua_rawseti(L, -2, type);
  lua_pop(L, 1);
  return 0;
}
