/* The host calls Lua: every entry runs under pcall with one message handler and its own deadline scope. */
#include "border.h"

#include <stdlib.h>
#include <string.h>

struct entry {
  int (*body)(lua_State *L, struct entry *entry); /* leaves its results on the stack and returns their number */
  struct clb_tree *values;
  const char *bytes, *name;
  size_t length;
  int32_t type;
  bool is_syntax_error;
  const struct clb_value *encoded;
  size_t count;
};

static int note_error(lua_State *L) {
  struct clb_outcome *outcome = state_of(L)->outcome;
  if (outcome != NULL) {
    free(outcome->file);
    free(outcome->traceback);
    outcome->file = traceback_where(L, &outcome->line);
    outcome->traceback = traceback_collect(L);
  }
  return 1;
}

static int run_body(lua_State *L) {
  struct entry *entry = lua_touserdata(L, 1);
  lua_settop(L, 0);
  if (entry->values != NULL && entry->values->failed) return luaL_error(L, "not enough memory");
  int results = entry->body(L, entry);
  entry->count = (size_t)results;
  luaL_checkstack(L, 8, "too many results");
  entry->encoded = encode(L, lua_gettop(L) - results + 1, entry->count);
  return results + 1;
}

/* An error value that is neither string nor object of ours is shown by its __tostring, if it has one. */
static int encode_error(lua_State *L) {
  struct entry *entry = lua_touserdata(L, 2);
  lua_settop(L, 1);
  struct clb_value object;
  if (lua_type(L, 1) != LUA_TSTRING && !object_read(L, 1, &object) && luaL_getmetafield(L, 1, "__tostring") != LUA_TNIL) {
    lua_pop(L, 1);
    luaL_tolstring(L, 1, NULL);
    lua_replace(L, 1);
  }
  entry->count = 1;
  entry->encoded = encode(L, 1, 1);
  return 2;
}

static enum clb_status status_of(int status) {
  switch (status) {
  case LUA_OK: return CLB_OK;
  case LUA_ERRMEM: return CLB_OUT_OF_MEMORY;
  case LUA_ERRERR: return CLB_ERROR_IN_HANDLER;
  default: return CLB_ERROR;
  }
}

static void protect(lua_State *L, struct entry *entry, struct clb_outcome *outcome) {
  int base = lua_gettop(L);
  lua_pushcfunction(L, note_error);
  lua_pushcfunction(L, run_body);
  lua_pushlightuserdata(L, entry);
  int status = lua_pcall(L, 1, LUA_MULTRET, base + 1);
  outcome->status = entry->is_syntax_error ? CLB_SYNTAX_ERROR : status_of(status);
  if (status != LUA_OK) {
    entry->encoded = NULL;
    entry->count = 0;
    lua_pushcfunction(L, encode_error);
    lua_pushvalue(L, -2);
    lua_pushlightuserdata(L, entry);
    if (lua_pcall(L, 2, 2, 0) != LUA_OK) {
      entry->encoded = NULL;
      entry->count = 0;
    }
  }
  outcome->values = entry->encoded;
  outcome->count = entry->count;
}

static struct clb_stopped stopped_copy(const struct clb_outcome *outcome) {
  return (struct clb_stopped){
      .reason = outcome->stop,
      .file = outcome->file == NULL ? NULL : strdup(outcome->file),
      .line = outcome->line,
      .traceback = outcome->traceback == NULL ? NULL : strdup(outcome->traceback),
  };
}

static const struct clb_value out_of_stack = {
    .kind = CLB_STRING, .bytes = "stack overflow", .length = sizeof "stack overflow" - 1};

static void enter(struct clb_state *state, lua_State *L, struct entry *entry, uint64_t deadline,
                  struct clb_outcome *outcome) {
  *outcome = (struct clb_outcome){.depth = lua_gettop(L)};
  if (!lua_checkstack(L, 10)) {
    outcome->status = CLB_ERROR;
    outcome->values = &out_of_stack;
    outcome->count = 1;
  } else {
    struct clb_outcome *outer_outcome = state->outcome;
    struct clb_stopped outer_stopped = state->stopped;
    uint64_t outer_deadline = state->deadline;
    int host_depth = state->host_depth;
    state->outcome = outcome;
    state->stopped = (struct clb_stopped){0};
    if (deadline < outer_deadline) state->deadline = deadline;
    watch_arm(L, state);

    protect(L, entry, outcome);
    /* What ended by itself in a C function of the library, where nobody looks, is late all the same, and may be half done. */
    if (outcome->status == CLB_OK) watch_late(L, state);

    outcome->skipped = state->host_depth - host_depth;
    state->host_depth = host_depth;
    outcome->stop = state->stopped.reason;
    outcome->own_deadline = outcome->stop == CLB_STOPPED_BY_DEADLINE && deadline < outer_deadline;
    if (outcome->stop != CLB_RUNNING) {
      free(outcome->file);
      free(outcome->traceback);
      outcome->file = state->stopped.file;
      outcome->line = state->stopped.line;
      outcome->traceback = state->stopped.traceback;
    }
    if (outcome->stop != CLB_RUNNING && !outcome->own_deadline && outer_stopped.reason == CLB_RUNNING)
      outer_stopped = stopped_copy(outcome); /* the outer entry is being stopped as well, and by the same thing */
    state->outcome = outer_outcome;
    state->stopped = outer_stopped;
    state->deadline = outer_deadline;
    watch_arm(L, state);
    if (L != state->main) watch_arm(state->main, state);
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

static int push_all(lua_State *L, struct entry *entry) {
  struct clb_value *next = entry->values->values, *end = next + entry->values->count;
  int pushed = 0;
  for (; next < end; pushed++) next = (struct clb_value *)push(L, next);
  return pushed;
}

static int body_call(lua_State *L, struct entry *entry) {
  int pushed = push_all(L, entry);
  lua_call(L, pushed - 1, LUA_MULTRET);
  return lua_gettop(L);
}

void clb_call(struct clb_state *state, lua_State *L, struct clb_tree *values, uint64_t deadline,
              struct clb_outcome *outcome) {
  struct entry entry = {.body = body_call, .values = values};
  enter(state, L, &entry, deadline, outcome);
}

static int body_load(lua_State *L, struct entry *entry) {
  int status = luaL_loadbufferx(L, entry->bytes, entry->length, entry->name, "t");
  entry->is_syntax_error = status == LUA_ERRSYNTAX;
  return status == LUA_OK ? 1 : lua_error(L);
}

void clb_load(struct clb_state *state, lua_State *L, const char *bytes, size_t length, const char *name,
              struct clb_outcome *outcome) {
  struct entry entry = {.body = body_load, .bytes = bytes, .length = length, .name = name};
  enter(state, L, &entry, UINT64_MAX, outcome);
}

static int body_set_global(lua_State *L, struct entry *entry) {
  lua_pushglobaltable(L);
  push_all(L, entry);
  lua_rawset(L, -3);
  return 0;
}

void clb_set_global(struct clb_state *state, lua_State *L, struct clb_tree *values, struct clb_outcome *outcome) {
  struct entry entry = {.body = body_set_global, .values = values};
  enter(state, L, &entry, UINT64_MAX, outcome);
}

static int body_get_global(lua_State *L, struct entry *entry) {
  lua_pushglobaltable(L);
  push_all(L, entry);
  lua_rawget(L, -2);
  return 1;
}

void clb_get_global(struct clb_state *state, lua_State *L, struct clb_tree *values, struct clb_outcome *outcome) {
  struct entry entry = {.body = body_get_global, .values = values};
  enter(state, L, &entry, UINT64_MAX, outcome);
}

static int body_define_type(lua_State *L, struct entry *entry) {
  push_all(L, entry);
  return object_define(L, entry->type);
}

void clb_define_type(struct clb_state *state, lua_State *L, int32_t type, struct clb_tree *values,
                     struct clb_outcome *outcome) {
  struct entry entry = {.body = body_define_type, .values = values, .type = type};
  enter(state, L, &entry, UINT64_MAX, outcome);
}
