/*
 * Errors that the host raises. An error is known by identity, never by its text:
 *
 *   host throws -> userdata in flight -> message handler, end of the entry: the host's number of the error
 *                                    -> pcall, xpcall, coroutine.resume: the script gets a string
 *
 * A script gets a string because Lua's own errors are strings: scripts compare, search and print them. The
 * bridge keeps the errors that a script caught last, Lua's own too, each with its string. A string that the
 * script raises later is one of these errors again if
 *
 *   - it is the very same string object (a long string), or
 *   - it is equal, and the function that raises it holds the string that was caught (Lua keeps a single
 * object for all equal short strings, so that their address proves nothing), or
 *   - it quotes the text of an error of the host with its place in front ("tests/a.lua:3: …"), which no other
 * has.
 *
 * __close is the one place where a script sees the userdata itself. It behaves as its text does.
 */
#include "border.h"

#include <string.h>

static char error_key, caught_key;

struct error {
  int64_t number; /* the host's; 0: none, or released. An error that quotes another one has none of its own */
  bool is_placed; /* the text has a place in a script, so that no other error has the same text */
};

/* User values of the userdata. */
enum { ERROR_TEXT = 1, ERROR_CAUSE = 2 };

/* Stack: +2 and back. Does not raise. */
static struct error *error_at(lua_State *L, int index) {
  if (lua_type(L, index) != LUA_TUSERDATA || !lua_getmetatable(L, index)) return NULL;
  lua_rawgetp(L, LUA_REGISTRYINDEX, &error_key);
  bool is_error = lua_rawequal(L, -1, -2);
  lua_pop(L, 2);
  return is_error ? lua_touserdata(L, index) : NULL;
}

/* An error with the text on top of the stack, which it replaces. Stack: as found, +2 on the way. Raises. */
static struct error *error_create(lua_State *L, bool is_placed) {
  struct error *error = lua_newuserdatauv(L, sizeof *error, 2);
  *error = (struct error){.number = 0, .is_placed = is_placed};
  lua_insert(L, -2);
  lua_setiuservalue(L, -2, ERROR_TEXT);
  lua_rawgetp(L, LUA_REGISTRYINDEX, &error_key);
  lua_setmetatable(L, -2);
  return error;
}

/* Pushes a new error; from then on the userdata owes the host a release, and the value's number is 0.
 * Stack: +1, +3 on the way. Raises; then the value still owes it. */
void clb_error_push(lua_State *L, struct clb_value *value) {
  lua_pushlstring(L, value->bytes, value->length);
  struct error *error = error_create(L, value->is_placed);
  error->number = value->integer;
  value->integer = 0;
}

/* Reads the error at `index` and pushes its text. False: it is none of ours. Stack: +1, +3 on the way. Does
 * not raise. */
bool clb_error_read(lua_State *L, int index, int64_t *number, bool *is_quoting) {
  const struct error *error = error_at(L, index);
  if (error == NULL) return false;
  lua_getiuservalue(L, index, ERROR_TEXT);
  *is_quoting = lua_getiuservalue(L, index < 0 ? index - 1 : index, ERROR_CAUSE) == LUA_TUSERDATA;
  const struct error *cause = *is_quoting ? error_at(L, -1) : error;
  *number = cause == NULL ? 0 : cause->number;
  lua_pop(L, 1);
  return true;
}

/* ---- Errors that scripts caught ---- */

/* The frame of a script that is running now, from `L`'s innermost function outwards. Does not raise. */
static bool error_script_frame(lua_State *L, lua_Debug *frame) {
  for (int level = 0; lua_getstack(L, level, frame); level++)
    if (lua_getinfo(L, "Slt", frame) && frame->source[0] == '@') return true;
  return false;
}

/* The address of the frame's function, to compare only. Stack: +1 and back. Does not raise. */
static const void *error_frame_function(lua_State *L, lua_Debug *frame) {
  lua_getinfo(L, "f", frame);
  const void *function = lua_topointer(L, -1);
  lua_pop(L, 1);
  return function;
}

/* Whether the function in `frame` holds this very string: in a local variable, an argument, an upvalue, or as
 * the result of a call on this line. After a tail call its variables are gone, and it may have held the
 * string. Stack: +1 and back. Does not raise. */
static bool error_frame_holds(lua_State *L, lua_Debug *frame, const void *string,
                              const struct clb_caught *caught) {
  if (frame->istailcall) return true;
  if (caught->line == frame->currentline && caught->function == error_frame_function(L, frame)) return true;
  bool found = false;
  for (int step = 1; step >= -1 && !found; step -= 2) { /* variables, then varargs */
    const char *name;
    for (int n = step; !found && (name = lua_getlocal(L, frame, n)) != NULL; n += step) {
      bool is_variable = name[0] != '(' || step < 0; /* "(temporary)" may be a leftover */
      found = is_variable && lua_type(L, -1) == LUA_TSTRING && lua_topointer(L, -1) == string;
      lua_pop(L, 1);
    }
  }
  lua_getinfo(L, "f", frame);
  for (int n = 1; !found && lua_getupvalue(L, -1, n) != NULL; n++) {
    found = lua_type(L, -1) == LUA_TSTRING && lua_topointer(L, -1) == string;
    lua_pop(L, 1);
  }
  lua_pop(L, 1);
  return found;
}

/* Finds the caught error that the string at the absolute `index` represents: its slot, or -1. Stack: +2 and back. Does
 * not raise. */
static int error_find_caught(lua_State *L, int index, bool *is_same) {
  const struct clb_state *state = clb_state_of(L);
  size_t length, text_length;
  const char *bytes = lua_tolstring(L, index, &length);
  const void *string = lua_topointer(L, index);
  unsigned count = state->caught_count < CLB_CAUGHT_MAX ? state->caught_count : CLB_CAUGHT_MAX;
  lua_Debug frame;
  int found = -1;
  lua_rawgetp(L, LUA_REGISTRYINDEX, &caught_key);
  for (unsigned back = 1; back <= count && found < 0; back++) {
    unsigned slot = (state->caught_count - back) % CLB_CAUGHT_MAX;
    const struct clb_caught *caught = &state->caught[slot];
    lua_rawgeti(L, -1, 2 * slot + 1);
    const char *text = lua_tolstring(L, -1, &text_length);
    *is_same = lua_topointer(L, -1) == string;
    lua_pop(L, 1); /* the table keeps it alive */
    bool is_it = caught->is_placed
                     ? *is_same || (text_length <= length && memmem(bytes, length, text, text_length) != NULL)
                     : *is_same && (!caught->is_shared || (error_script_frame(L, &frame) &&
                                                           error_frame_holds(L, &frame, string, caught)));
    if (is_it) found = (int)slot;
  }
  lua_pop(L, 1);
  return found;
}

/* Remembers that the string on top of the stack is what a script got for `error`, at the absolute index. 0:
 * for an error of Lua's own or of the script. Stack: as found, +2 on the way. Raises. */
static void error_note_caught(lua_State *L, int error, struct clb_caught caught, bool is_returned) {
  struct clb_state *state = clb_state_of(L);
  lua_Debug frame;
  if (is_returned && error_script_frame(L, &frame)) {
    caught.function = error_frame_function(L, &frame);
    caught.line = frame.currentline;
  }
  unsigned slot = state->caught_count % CLB_CAUGHT_MAX;
  lua_rawgetp(L, LUA_REGISTRYINDEX, &caught_key);
  lua_pushvalue(L, -2);
  lua_rawseti(L, -2, 2 * slot + 1);
  if (error == 0)
    lua_pushboolean(L, 0);
  else
    lua_pushvalue(L, error);
  lua_rawseti(L, -2, 2 * slot + 2);
  state->caught[slot] = caught;
  state->caught_count++;
  lua_pop(L, 1);
}

/* Replaces an error of the host on top of the stack by the string that the script is to see, and remembers
 * which error a string on top of the stack represents. Other values stay. `is_returned`: the running function
 * of a script gets the string from the call it is making. Stack: as found, +5 on the way. Raises. */
void clb_error_catch(lua_State *L, bool is_returned) {
  bool is_same;
  size_t length;
  luaL_checkstack(L, 8, "error");
  const struct error *error = error_at(L, -1);
  struct clb_caught caught = {.is_placed = error != NULL && error->is_placed};
  int index = lua_gettop(L);
  if (error != NULL)
    lua_getiuservalue(L, index, ERROR_TEXT);
  else if (lua_type(L, index) == LUA_TSTRING && error_find_caught(L, index, &is_same) < 0)
    lua_pushvalue(L, index);
  else
    return;
  const char *bytes = lua_tolstring(L, -1, &length);
  lua_pushlstring(L, bytes, length); /* a long string: an object of its own for each catch */
  caught.is_shared = lua_topointer(L, -1) == lua_topointer(L, -2);
  error_note_caught(L, error == NULL ? 0 : index, caught, is_returned);
  lua_replace(L, index);
  lua_settop(L, index);
}

/* Replaces the error on top of the stack by one that has the text at the absolute index `text`, and the same
 * number. Stack: as found, +3 on the way. Raises. */
static void error_quote(lua_State *L, int text) {
  if (lua_getiuservalue(L, -1, ERROR_CAUSE) == LUA_TUSERDATA)
    lua_replace(L, -2);
  else
    lua_pop(L, 1);
  lua_pushvalue(L, text);
  error_create(L, true);
  lua_insert(L, -2);
  lua_setiuservalue(L, -2, ERROR_CAUSE);
}

/* If the string at `index` represents an error that was caught, pushes what to raise: that error with the
 * text at `text`, or the text itself for an error that is not the host's. Both indices are absolute. Stack:
 * +1 if so, +4 on the way. Raises. */
bool clb_error_again(lua_State *L, int index, int text) {
  bool is_same;
  luaL_checkstack(L, 6, "error");
  int slot = error_find_caught(L, index, &is_same);
  if (slot < 0) return false;
  lua_rawgetp(L, LUA_REGISTRYINDEX, &caught_key);
  lua_rawgeti(L, -1, 2 * slot + 2);
  lua_remove(L, -2);
  if (error_at(L, -1) == NULL) {
    lua_pop(L, 1);
    lua_pushvalue(L, text);
    return true;
  }
  if (is_same && index == text) return true;
  error_quote(L, text);
  return true;
}

/* Keeps the identity of an error that a message handler has changed. The error is at 1, the string that the handler
 * saw at 2, and its result on top. If the result contains that string, replaces it by the error with the new text.
 * Stack: as found, +4 on the way. Raises. */
void clb_error_handled(lua_State *L) {
  size_t length, text_length;
  if (error_at(L, 1) == NULL || lua_type(L, -1) != LUA_TSTRING || lua_type(L, 2) != LUA_TSTRING) return;
  int result = lua_gettop(L);
  const char *bytes = lua_tolstring(L, result, &length), *text = lua_tolstring(L, 2, &text_length);
  if (text_length > length || memmem(bytes, length, text, text_length) == NULL) return;
  lua_pushvalue(L, 1);
  if (length != text_length) error_quote(L, result);
  lua_replace(L, result);
}

/* ---- The userdata, where a script sees it ---- */

/* Replaces an error at the absolute `index` by its string. Raises. */
static void error_to_string(lua_State *L, int index) {
  if (error_at(L, index) == NULL) return;
  lua_pushvalue(L, index);
  clb_error_catch(L, false);
  lua_replace(L, index);
}

static int error_tostring(lua_State *L) {
  lua_settop(L, 1);
  error_to_string(L, 1);
  return 1;
}

static int error_concat(lua_State *L) {
  lua_settop(L, 2);
  error_to_string(L, 1);
  error_to_string(L, 2);
  lua_concat(L, 2);
  return 1;
}

static int error_length(lua_State *L) {
  error_to_string(L, 1);
  lua_len(L, 1);
  return 1;
}

static int error_compare(lua_State *L, int operation) {
  lua_settop(L, 2);
  error_to_string(L, 1);
  error_to_string(L, 2);
  lua_pushboolean(L, lua_compare(L, 1, 2, operation));
  return 1;
}

static int error_equal(lua_State *L) { return error_compare(L, LUA_OPEQ); }
static int error_less(lua_State *L) { return error_compare(L, LUA_OPLT); }
static int error_less_or_equal(lua_State *L) { return error_compare(L, LUA_OPLE); }

/* A function of the string library that takes the error for its text. Upvalue: the function. */
static int error_method(lua_State *L) {
  int count = lua_gettop(L);
  if (count > 0) error_to_string(L, 1);
  lua_pushvalue(L, lua_upvalueindex(1));
  lua_insert(L, 1);
  lua_call(L, count, LUA_MULTRET);
  return lua_gettop(L);
}

static int error_index(lua_State *L) {
  lua_settop(L, 2);
  error_to_string(L, 1);
  lua_gettable(L, 1);
  if (lua_isfunction(L, -1)) lua_pushcclosure(L, error_method, 1);
  return 1;
}

static int error_gc(lua_State *L) {
  struct error *error = error_at(L, 1);
  if (error == NULL || error->number == 0) return 0;
  int64_t number = error->number;
  error->number = 0;
  struct clb_state *state = clb_state_of(L);
  state->host.release(state->host.context, number);
  return 0;
}

/* Stack: as found. Raises. */
void clb_error_open(lua_State *L) {
  static const luaL_Reg metamethods[] = {
      {"__tostring", error_tostring}, {"__concat", error_concat}, {"__len", error_length},
      {"__eq", error_equal},          {"__lt", error_less},       {"__le", error_less_or_equal},
      {"__index", error_index},       {"__gc", error_gc},         {NULL, NULL},
  };
  lua_newtable(L);
  luaL_setfuncs(L, metamethods, 0);
  lua_pushliteral(L, "error");
  lua_setfield(L, -2, "__name");
  lua_pushliteral(L, "error");
  lua_setfield(L, -2, "__metatable");
  lua_rawsetp(L, LUA_REGISTRYINDEX, &error_key);
  lua_createtable(L, 2 * CLB_CAUGHT_MAX, 0);
  lua_rawsetp(L, LUA_REGISTRYINDEX, &caught_key);
}
