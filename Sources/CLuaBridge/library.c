/* What Provium changes of Lua's standard library, where it takes C to do so; the rest is in the Lua prelude. */
#include "border.h"

#include <unistd.h>

static int print(lua_State *L) {
  int count = lua_gettop(L);
  luaL_Buffer buffer;
  luaL_buffinit(L, &buffer);
  for (int i = 1; i <= count; i++) {
    luaL_tolstring(L, i, NULL);
    luaL_addvalue(&buffer);
    luaL_addchar(&buffer, i < count ? '\t' : '\n');
  }
  if (count == 0) luaL_addchar(&buffer, '\n');
  luaL_pushresult(&buffer);
  size_t length;
  const char *bytes = lua_tolstring(L, -1, &length);
  struct clb_state *state = state_of(L);
  state->host.print(state->host.context, bytes, length);
  return 0;
}

/*
 * xpcall, whose handler is left out once the script is being stopped: Lua runs a handler inside the hook that
 * raised, where hooks are off, and a handler that loops could never be ended.
 */
static int guarded_handler(lua_State *L) {
  if (watch_reason(state_of(L)) != CLB_RUNNING) return 1;
  lua_settop(L, 1);
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_insert(L, 1);
  lua_call(L, 1, 1);
  return 1;
}

static int finish_xpcall(lua_State *L, int status, lua_KContext skipped) {
  if (status == LUA_OK || status == LUA_YIELD) return lua_gettop(L) - (int)skipped;
  lua_pushboolean(L, 0);
  lua_pushvalue(L, -2);
  return 2;
}

static int xpcall(lua_State *L) {
  int arguments = lua_gettop(L) - 2;
  luaL_checktype(L, 2, LUA_TFUNCTION);
  lua_pushvalue(L, 2);
  lua_pushcclosure(L, guarded_handler, 1);
  lua_replace(L, 2);
  lua_pushboolean(L, 1); /* first result */
  lua_pushvalue(L, 1);
  lua_rotate(L, 3, 2); /* function, handler, true, function, arguments… */
  int status = lua_pcallk(L, arguments, LUA_MULTRET, 2, 2, finish_xpcall);
  return finish_xpcall(L, status, 2);
}

/* Closes the stream, then calls what it was opened with: gives its results. Raises. */
static int close_stream(lua_State *L) {
  luaL_Stream *stream = luaL_checkudata(L, 1, LUA_FILEHANDLE);
  int top = lua_gettop(L);
  fclose(stream->f);
  lua_getiuservalue(L, 1, 1);
  lua_call(L, 0, LUA_MULTRET);
  return lua_gettop(L) - top;
}

/* (descriptor, mode, function called behind the close): a file of Lua's that owns the descriptor. Raises. */
static int open_stream(lua_State *L) {
  int descriptor = (int)luaL_checkinteger(L, 1);
  const char *mode = luaL_checkstring(L, 2);
  luaL_checktype(L, 3, LUA_TFUNCTION);
  luaL_Stream *stream = lua_newuserdatauv(L, sizeof *stream, 1);
  stream->closef = NULL; /* closed, as far as Lua knows */
  luaL_setmetatable(L, LUA_FILEHANDLE);
  lua_pushvalue(L, 3);
  lua_setiuservalue(L, -2, 1);
  stream->f = fdopen(descriptor, mode);
  if (stream->f == NULL) {
    int result = luaL_fileresult(L, 0, NULL);
    close(descriptor);
    return result;
  }
  stream->closef = close_stream;
  return 1;
}

static int refuse_sethook(lua_State *L) {
  return luaL_error(L, "debug.sethook is not available: Provium's time limits use the hook");
}

static int null_tostring(lua_State *L) {
  lua_pushstring(L, lua_touserdata(L, 1) == NULL ? "null" : "userdata");
  return 1;
}

/* Light userdata share one metatable; the only one scripts meet is the null of JSON. */
static void name_null(lua_State *L) {
  lua_pushlightuserdata(L, NULL);
  lua_createtable(L, 0, 2);
  lua_pushcfunction(L, null_tostring);
  lua_setfield(L, -2, "__tostring");
  lua_pushliteral(L, "null");
  lua_setfield(L, -2, "__name");
  lua_setmetatable(L, -2);
  lua_pop(L, 1);
}

/* Stack: as found. Raises. */
void library_open(lua_State *L) {
  lua_pushcfunction(L, print);
  lua_setglobal(L, "print");
  lua_pushcfunction(L, xpcall);
  lua_setglobal(L, "xpcall");
  lua_getglobal(L, "load");
  lua_setglobal(L, "loadstring");
  lua_getglobal(L, "io");
  lua_pushcfunction(L, open_stream); /* until the prelude makes io.popen of it */
  lua_setfield(L, -2, "popen");
  lua_pop(L, 1);
  lua_getglobal(L, "table");
  lua_getfield(L, -1, "unpack");
  lua_setglobal(L, "unpack");
  lua_getglobal(L, "debug");
  lua_pushcfunction(L, refuse_sethook);
  lua_setfield(L, -2, "sethook");
  lua_pop(L, 2);
  name_null(L);
}
