/* Provium's changes to Lua's standard library that need C. The other changes are in the Lua prelude. */
#include "border.h"

#include <unistd.h>

static int library_print(lua_State *L) {
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
  struct clb_state *state = clb_state_of(L);
  state->host.print(state->host.context, bytes, length);
  return 0;
}

/*
 * The message handler of xpcall. It does not call the script's handler once the script is being stopped: Lua
 * runs handlers inside the hook that raised, where hooks are off, so that a handler that loops could not be
 * ended.
 */
static int library_guarded_handler(lua_State *L) {
  if (clb_watch_reason(clb_state_of(L)) != CLB_RUNNING) return 1;
  lua_settop(L, 1);
  lua_pushvalue(L, 1);
  clb_error_catch(L, false);
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_pushvalue(L, 2);
  lua_call(L, 1, 1);
  clb_error_handled(L);
  return 1;
}

/* Returns the results of a protected call, or false and the error as the script sees it. `skipped`: the
 * number of stack values below the results. */
static int library_finish_call(lua_State *L, int status, lua_KContext skipped) {
  if (status == LUA_OK || status == LUA_YIELD) return lua_gettop(L) - (int)skipped;
  lua_pushboolean(L, 0);
  lua_pushvalue(L, -2);
  clb_error_catch(L, true);
  return 2;
}

static int library_pcall(lua_State *L) {
  luaL_checkany(L, 1);
  int arguments = lua_gettop(L) - 1;
  lua_pushboolean(L, 1); /* first result */
  lua_insert(L, 1);
  int status = lua_pcallk(L, arguments, LUA_MULTRET, 0, 0, library_finish_call);
  return library_finish_call(L, status, 0);
}

static int library_xpcall(lua_State *L) {
  int arguments = lua_gettop(L) - 2;
  luaL_checktype(L, 2, LUA_TFUNCTION);
  lua_pushvalue(L, 2);
  lua_pushcclosure(L, library_guarded_handler, 1);
  lua_replace(L, 2);
  lua_pushboolean(L, 1); /* first result */
  lua_pushvalue(L, 1);
  lua_rotate(L, 3, 2); /* function, handler, true, function, arguments… */
  int status = lua_pcallk(L, arguments, LUA_MULTRET, 2, 2, library_finish_call);
  return library_finish_call(L, status, 2);
}

/* A function of Lua's library that returns errors: coroutine.resume, coroutine.close, load. Upvalue: the
 * function. */
static int library_catching(lua_State *L) {
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_insert(L, 1);
  lua_call(L, lua_gettop(L) - 1, LUA_MULTRET);
  int results = lua_gettop(L);
  bool has_failed = results > 1 && lua_isboolean(L, 1) && !lua_toboolean(L, 1);
  if (results > 0 && (has_failed || lua_type(L, -1) != LUA_TSTRING)) clb_error_catch(L, true);
  return results;
}

/* Replaces the function `name` of the table on top of the stack. Stack: as found. Raises. */
static void library_make_catching(lua_State *L, const char *name) {
  lua_getfield(L, -1, name);
  lua_pushcclosure(L, library_catching, 1);
  lua_setfield(L, -2, name);
}

/* error: raises a caught error again as itself, whatever place or words the script has put around it. */
static int library_error(lua_State *L) {
  int level = (int)luaL_optinteger(L, 2, 1);
  lua_settop(L, 1);
  if (lua_type(L, 1) != LUA_TSTRING) return lua_error(L);
  if (level > 0) {
    luaL_where(L, level);
    lua_pushvalue(L, 1);
    lua_concat(L, 2);
  }
  clb_error_again(L, 1, lua_gettop(L));
  return lua_error(L);
}

/* (message): raises the caught error that the message represents; returns if there is none. */
static int library_raise_again(lua_State *L) {
  lua_settop(L, 1);
  return lua_type(L, 1) == LUA_TSTRING && clb_error_again(L, 1, 1) ? lua_error(L) : 0;
}

/* Closes the stream, calls the function that it was opened with, and returns that function's results. Raises.
 */
static int library_close_stream(lua_State *L) {
  luaL_Stream *stream = luaL_checkudata(L, 1, LUA_FILEHANDLE);
  int top = lua_gettop(L);
  fclose(stream->f);
  lua_getiuservalue(L, 1, 1);
  lua_call(L, 0, LUA_MULTRET);
  return lua_gettop(L) - top;
}

/* (descriptor, mode, function to call after the close): returns a file of Lua's io library that owns the
 * descriptor. Raises. */
static int library_open_stream(lua_State *L) {
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
  stream->closef = library_close_stream;
  return 1;
}

static int library_refuse_sethook(lua_State *L) {
  return luaL_error(L, "debug.sethook is not available: Provium's time limits use the hook");
}

static int library_null_tostring(lua_State *L) {
  lua_pushstring(L, lua_touserdata(L, 1) == NULL ? "null" : "userdata");
  return 1;
}

/* All light userdata share one metatable. Scripts see a single one: the null of JSON. */
static void library_name_null(lua_State *L) {
  lua_pushlightuserdata(L, NULL);
  lua_createtable(L, 0, 2);
  lua_pushcfunction(L, library_null_tostring);
  lua_setfield(L, -2, "__tostring");
  lua_pushliteral(L, "null");
  lua_setfield(L, -2, "__name");
  lua_setmetatable(L, -2);
  lua_pop(L, 1);
}

/* Stack: as found. Raises. */
void clb_library_open(lua_State *L) {
  static const luaL_Reg functions[] = {
      {"print", library_print},
      {"pcall", library_pcall},
      {"xpcall", library_xpcall},
      {"error", library_error},
      {"assert", library_raise_again}, /* until the prelude makes assert of it */
      {NULL, NULL},
  };
  lua_pushglobaltable(L);
  luaL_setfuncs(L, functions, 0);
  library_make_catching(L, "load");
  lua_getfield(L, -1, "load");
  lua_setfield(L, -2, "loadstring");
  lua_getfield(L, -1, "io");
  lua_pushcfunction(L, library_open_stream); /* until the prelude makes io.popen of it */
  lua_setfield(L, -2, "popen");
  lua_pop(L, 1);
  lua_getfield(L, -1, "table");
  lua_getfield(L, -1, "unpack");
  lua_setfield(L, -3, "unpack");
  lua_pop(L, 1);
  lua_getfield(L, -1, "coroutine");
  library_make_catching(L, "resume");
  library_make_catching(L, "close");
  lua_pop(L, 1);
  lua_getfield(L, -1, "debug");
  lua_pushcfunction(L, library_refuse_sethook);
  lua_setfield(L, -2, "sethook");
  lua_pop(L, 2);
  library_name_null(L);
}
