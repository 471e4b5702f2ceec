/* The host calls Lua: every entry runs under pcall with one message handler and its own deadline scope. */
#include "border.h"

#include <stdlib.h>
#include <string.h>

struct entry {
  int (*body)(lua_State *L,
              struct entry *entry); /* leaves its results on the stack and returns their number */
  struct clb_tree *values;
  const char *bytes, *name;
  size_t length;
  int32_t type;
  bool is_syntax_error;
  const struct clb_value *encoded;
  size_t count;
  int64_t error;   /* as in clb_outcome */
  bool is_quoting; /* as in clb_outcome */
};

static int entry_note_error(lua_State *L) {
  struct clb_outcome *outcome = clb_state_of(L)->outcome;
  if (outcome != NULL) {
    free(outcome->file);
    free(outcome->traceback);
    outcome->file = clb_traceback_where(L, &outcome->line);
    outcome->traceback = clb_traceback(L);
  }
  return 1;
}

static int entry_run(lua_State *L) {
  struct entry *entry = lua_touserdata(L, 1);
  lua_settop(L, 0);
  if (entry->values != NULL && entry->values->failed) return luaL_error(L, "not enough memory");
  int results = entry->body(L, entry);
  entry->count = (size_t)results;
  luaL_checkstack(L, 8, "too many results");
  entry->encoded = clb_encode(L, lua_gettop(L) - results + 1, entry->count);
  return results + 1;
}

static int entry_tostring(lua_State *L) {
  luaL_tolstring(L, 1, NULL);
  return 1;
}

/* Replaces the error value by the result of its __tostring, or by the reason why that fails. Stack: as found.
 * Raises. */
static void entry_show_error(lua_State *L) {
  lua_pushcfunction(L, entry_tostring);
  lua_pushvalue(L, 1);
  int status = lua_pcall(L, 1, 1, 0);
  if (status == LUA_ERRMEM) lua_error(L);
  if (status != LUA_OK) {
    clb_error_catch(L, false);
    const char *reason = lua_type(L, -1) == LUA_TSTRING ? lua_tostring(L, -1) : luaL_typename(L, -1);
    lua_pushfstring(L, "error value: a %s whose __tostring fails: %s", luaL_typename(L, 1), reason);
  }
  lua_replace(L, 1);
  lua_settop(L, 1);
}

/* An error of the host becomes its number and its text. Another value that is neither a string nor an object
 * of the host is shown by its __tostring, if it has one. */
static int entry_encode_error(lua_State *L) {
  struct entry *entry = lua_touserdata(L, 2);
  lua_settop(L, 1);
  struct clb_value object;
  if (clb_error_read(L, 1, &entry->error, &entry->is_quoting)) {
    lua_replace(L, 1);
  } else if (lua_type(L, 1) != LUA_TSTRING && !clb_object_read(L, 1, &object) &&
             luaL_getmetafield(L, 1, "__tostring") != LUA_TNIL) {
    lua_settop(L, 1);
    entry_show_error(L);
  }
  entry->count = 1;
  entry->encoded = clb_encode(L, 1, 1);
  return 2;
}

static enum clb_status entry_status(int status) {
  switch (status) {
  case LUA_OK: return CLB_OK;
  case LUA_ERRMEM: return CLB_OUT_OF_MEMORY;
  case LUA_ERRERR: return CLB_ERROR_IN_HANDLER;
  default: return CLB_ERROR;
  }
}

static void entry_protect(lua_State *L, struct entry *entry, struct clb_outcome *outcome) {
  int base = lua_gettop(L);
  lua_pushcfunction(L, entry_note_error);
  lua_pushcfunction(L, entry_run);
  lua_pushlightuserdata(L, entry);
  int status = lua_pcall(L, 1, LUA_MULTRET, base + 1);
  outcome->status = entry->is_syntax_error ? CLB_SYNTAX_ERROR : entry_status(status);
  if (status != LUA_OK) {
    entry->encoded = NULL;
    entry->count = 0;
    lua_pushcfunction(L, entry_encode_error);
    lua_pushvalue(L, -2);
    lua_pushlightuserdata(L, entry);
    if (lua_pcall(L, 2, 2, 0) != LUA_OK) {
      entry->encoded = NULL;
      entry->count = 0;
    }
  }
  outcome->values = entry->encoded;
  outcome->count = entry->count;
  outcome->error = entry->error;
  outcome->is_quoting = entry->is_quoting;
}

static struct clb_stopped entry_copy_stop(const struct clb_outcome *outcome) {
  return (struct clb_stopped){
      .reason = outcome->stop,
      .file = outcome->file == NULL ? NULL : strdup(outcome->file),
      .line = outcome->line,
      .traceback = outcome->traceback == NULL ? NULL : strdup(outcome->traceback),
  };
}

static const struct clb_value entry_out_of_stack = {
    .kind = CLB_STRING, .bytes = "stack overflow", .length = sizeof "stack overflow" - 1};

static void entry_enter(struct clb_state *state, lua_State *L, struct entry *entry, uint64_t deadline,
                        struct clb_outcome *outcome) {
  *outcome = (struct clb_outcome){.depth = lua_gettop(L)};
  if (!lua_checkstack(L, 10)) {
    outcome->status = CLB_ERROR;
    outcome->values = &entry_out_of_stack;
    outcome->count = 1;
  } else {
    struct clb_outcome *outer_outcome = state->outcome;
    struct clb_stopped outer_stopped = state->stopped;
    uint64_t outer_deadline = state->deadline;
    int host_depth = state->host_depth;
    state->outcome = outcome;
    state->stopped = (struct clb_stopped){0};
    if (deadline < outer_deadline) state->deadline = deadline;
    clb_watch_arm(L, state);

    entry_protect(L, entry, outcome);
    /* The hook does not run inside a C function of the library: an entry that ended there may be late too. */
    if (outcome->status == CLB_OK) clb_watch_late(L, state);

    outcome->skipped = state->host_depth - host_depth;
    state->host_depth = host_depth;
    outcome->stop = state->stopped.reason;
    outcome->own_deadline = outcome->stop == CLB_STOPPED_BY_DEADLINE && deadline != UINT64_MAX &&
                            !clb_watch_outer_has_passed(state);
    if (outcome->stop != CLB_RUNNING) {
      free(outcome->file);
      free(outcome->traceback);
      outcome->file = state->stopped.file;
      outcome->line = state->stopped.line;
      outcome->traceback = state->stopped.traceback;
    }
    if (outcome->stop != CLB_RUNNING && !outcome->own_deadline && outer_stopped.reason == CLB_RUNNING)
      outer_stopped = entry_copy_stop(outcome); /* the same deadline or interrupt stops the outer entry */
    state->outcome = outer_outcome;
    state->stopped = outer_stopped;
    state->deadline = outer_deadline;
    clb_watch_arm(L, state);
    if (L != state->main) clb_watch_arm(state->main, state);
  }
  if (entry->values != NULL) clb_tree_clear(state, entry->values);
}

void clb_outcome_release(lua_State *L, struct clb_outcome *outcome) {
  free(outcome->file);
  free(outcome->traceback);
  outcome->file = outcome->traceback = NULL;
  outcome->values = NULL;
  outcome->count = 0;
  lua_settop(L, outcome->depth);
}

static int entry_push_values(lua_State *L, struct entry *entry) {
  struct clb_value *next = entry->values->values, *end = next + entry->values->count;
  int pushed = 0;
  for (; next < end; pushed++)
    next = (struct clb_value *)clb_push(L, next);
  return pushed;
}

static int entry_body_call(lua_State *L, struct entry *entry) {
  int pushed = entry_push_values(L, entry);
  lua_call(L, pushed - 1, LUA_MULTRET);
  return lua_gettop(L);
}

void clb_call(struct clb_state *state, lua_State *L, struct clb_tree *values, uint64_t deadline,
              struct clb_outcome *outcome) {
  struct entry entry = {.body = entry_body_call, .values = values};
  entry_enter(state, L, &entry, deadline, outcome);
}

static int entry_body_load(lua_State *L, struct entry *entry) {
  int status = luaL_loadbufferx(L, entry->bytes, entry->length, entry->name, "t");
  entry->is_syntax_error = status == LUA_ERRSYNTAX;
  return status == LUA_OK ? 1 : lua_error(L);
}

void clb_load(struct clb_state *state, lua_State *L, const char *bytes, size_t length, const char *name,
              struct clb_outcome *outcome) {
  struct entry entry = {.body = entry_body_load, .bytes = bytes, .length = length, .name = name};
  entry_enter(state, L, &entry, UINT64_MAX, outcome);
}

static int entry_body_set_global(lua_State *L, struct entry *entry) {
  lua_pushglobaltable(L);
  entry_push_values(L, entry);
  lua_rawset(L, -3);
  return 0;
}

void clb_set_global(struct clb_state *state, lua_State *L, struct clb_tree *values,
                    struct clb_outcome *outcome) {
  struct entry entry = {.body = entry_body_set_global, .values = values};
  entry_enter(state, L, &entry, UINT64_MAX, outcome);
}

static int entry_body_get_global(lua_State *L, struct entry *entry) {
  lua_pushglobaltable(L);
  entry_push_values(L, entry);
  lua_rawget(L, -2);
  return 1;
}

void clb_get_global(struct clb_state *state, lua_State *L, struct clb_tree *values,
                    struct clb_outcome *outcome) {
  struct entry entry = {.body = entry_body_get_global, .values = values};
  entry_enter(state, L, &entry, UINT64_MAX, outcome);
}

static int entry_body_define_type(lua_State *L, struct entry *entry) {
  entry_push_values(L, entry);
  return clb_object_define(L, entry->type);
}

void clb_define_type(struct clb_state *state, lua_State *L, int32_t type, struct clb_tree *values,
                     struct clb_outcome *outcome) {
  struct entry entry = {.body = entry_body_define_type, .values = values, .type = type};
  entry_enter(state, L, &entry, UINT64_MAX, outcome);
}
