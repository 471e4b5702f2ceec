/* Lua values to and from the flat preorder array of clua_bridge.h. */
#include "border.h"

#include <stdlib.h>
#include <string.h>

/* A growing array of values in Lua's own memory, so that a raise leaves nothing to free. */
struct encoder {
  lua_State *L;
  struct clb_value *values;
  size_t count, capacity;
  int anchor; /* the stack index that keeps it alive */
  const void *path[CLB_MAX_DEPTH];
  int depth;
};

/* Stack: +1 and back. Raises. */
static size_t encoder_add(struct encoder *encoder) {
  if (encoder->count == encoder->capacity) {
    size_t capacity = encoder->capacity * 2;
    struct clb_value *moved = lua_newuserdatauv(encoder->L, capacity * sizeof *moved, 0);
    memcpy(moved, encoder->values, encoder->count * sizeof *moved);
    lua_replace(encoder->L, encoder->anchor);
    encoder->values = moved;
    encoder->capacity = capacity;
  }
  memset(&encoder->values[encoder->count], 0, sizeof *encoder->values);
  return encoder->count++;
}

static void value_encode(struct encoder *encoder, int index);

static bool value_is_array_key(lua_State *L, int index, size_t length) {
  if (!lua_isinteger(L, index)) return false;
  lua_Integer key = lua_tointeger(L, index);
  return key >= 1 && (lua_Unsigned)key <= length;
}

/* Stack: +3 and back. Raises. */
static void value_encode_table(struct encoder *encoder, int index, size_t slot) {
  lua_State *L = encoder->L;
  const void *self = lua_topointer(L, index);
  for (int i = 0; i < encoder->depth; i++)
    if (encoder->path[i] == self) {
      encoder->values[slot].kind = CLB_CYCLE;
      return;
    }
  if (encoder->depth == CLB_MAX_DEPTH) {
    encoder->values[slot].kind = CLB_TOO_DEEP;
    return;
  }
  encoder->path[encoder->depth++] = self;
  size_t length = lua_rawlen(L, index), pairs = 0;
  for (size_t i = 1; i <= length; i++) {
    lua_rawgeti(L, index, (lua_Integer)i);
    value_encode(encoder, lua_gettop(L));
    lua_pop(L, 1);
  }
  lua_pushnil(L);
  while (lua_next(L, index)) {
    if (!value_is_array_key(L, -2, length)) {
      value_encode(encoder, lua_gettop(L) - 1);
      value_encode(encoder, lua_gettop(L));
      pairs++;
    }
    lua_pop(L, 1);
  }
  encoder->depth--;
  encoder->values[slot].kind = CLB_TABLE;
  encoder->values[slot].length = length;
  encoder->values[slot].pairs = pairs;
}

/* Stack: +5 and back. Raises. */
static void value_encode(struct encoder *encoder, int index) {
  lua_State *L = encoder->L;
  luaL_checkstack(L, 8, "too many nested tables");
  size_t slot = encoder_add(encoder);
  struct clb_value *value = &encoder->values[slot];
  switch (lua_type(L, index)) {
  case LUA_TNIL: value->kind = CLB_NIL; break;
  case LUA_TBOOLEAN:
    value->kind = CLB_BOOLEAN;
    value->integer = lua_toboolean(L, index);
    break;
  case LUA_TNUMBER:
    value->kind = lua_isinteger(L, index) ? CLB_INTEGER : CLB_NUMBER;
    value->integer = value->kind == CLB_INTEGER ? lua_tointeger(L, index) : 0;
    value->number = lua_tonumber(L, index);
    break;
  case LUA_TSTRING:
    value->kind = CLB_STRING;
    value->bytes = lua_tolstring(L, index, &value->length);
    break;
  case LUA_TFUNCTION: {
    int64_t reference = clb_reference_take(L, index);
    value->kind = CLB_FUNCTION;
    value->integer = reference;
    break;
  }
  case LUA_TTABLE: value_encode_table(encoder, index, slot); break;
  default:
    if (lua_islightuserdata(L, index) && lua_touserdata(L, index) == NULL) {
      value->kind = CLB_NULL;
    } else if (!clb_object_read(L, index, value)) {
      value->kind = CLB_OPAQUE;
      value->bytes = luaL_typename(L, index);
      value->length = strlen(value->bytes);
    }
  }
}

/* The `count` values from `first` on. The array lives as long as the userdata it leaves on the stack.
 * Stack: +1. Raises. */
const struct clb_value *clb_encode(lua_State *L, int first, size_t count) {
  struct encoder encoder = {.L = L, .capacity = count + 8};
  luaL_checkstack(L, 8, "too many values");
  encoder.values = lua_newuserdatauv(L, encoder.capacity * sizeof *encoder.values, 0);
  encoder.anchor = lua_gettop(L);
  for (size_t i = 0; i < count; i++)
    value_encode(&encoder, first + (int)i);
  return encoder.values;
}

/* Stack: +1. Raises. */
static const struct clb_value *value_push_table(lua_State *L, struct clb_value *table) {
  struct clb_value *next = table + 1;
  size_t pairs = table->pairs > INT32_MAX ? 0 : table->pairs;
  lua_createtable(L, table->length > INT32_MAX ? 0 : (int)table->length, (int)pairs);
  for (size_t i = 1; i <= table->length; i++) {
    next = (struct clb_value *)clb_push(L, next);
    lua_rawseti(L, -2, (lua_Integer)i);
  }
  for (size_t i = 0; i < table->pairs; i++) {
    next = (struct clb_value *)clb_push(L, next);
    next = (struct clb_value *)clb_push(L, next);
    lua_rawset(L, -3);
  }
  return next;
}

/* Pushes the value that begins at `value` and returns the address after it. Stack: +1. Raises. */
const struct clb_value *clb_push(lua_State *L, struct clb_value *value) {
  luaL_checkstack(L, 8, "too many nested tables");
  switch (value->kind) {
  case CLB_BOOLEAN: lua_pushboolean(L, value->integer != 0); break;
  case CLB_INTEGER: lua_pushinteger(L, value->integer); break;
  case CLB_NUMBER: lua_pushnumber(L, value->number); break;
  case CLB_STRING: lua_pushlstring(L, value->bytes, value->length); break;
  case CLB_TABLE: return value_push_table(L, value);
  case CLB_FUNCTION: clb_reference_push(L, value->integer); break;
  case CLB_NATIVE: clb_host_push_function(L, value->integer); break;
  case CLB_OBJECT: clb_object_push(L, value); break;
  case CLB_RAISED: clb_error_push(L, value); break;
  case CLB_NULL: lua_pushlightuserdata(L, NULL); break;
  case CLB_NIL:
  case CLB_OPAQUE:
  case CLB_CYCLE:
  case CLB_TOO_DEEP: lua_pushnil(L); break;
  }
  return value + 1;
}

void clb_tree_add(struct clb_tree *tree, const struct clb_value *value) {
  if (tree->count == tree->capacity) {
    size_t capacity = tree->capacity == 0 ? 8 : tree->capacity * 2;
    struct clb_value *moved = tree->failed ? NULL : realloc(tree->values, capacity * sizeof *moved);
    if (moved == NULL) {
      tree->failed = true;
      return;
    }
    tree->values = moved;
    tree->capacity = capacity;
  }
  struct clb_value copy = *value;
  if (copy.kind == CLB_STRING || copy.kind == CLB_RAISED) {
    char *bytes = malloc(copy.length + 1);
    if (bytes == NULL) {
      tree->failed = true;
      return;
    }
    if (copy.length > 0) memcpy(bytes, value->bytes, copy.length);
    bytes[copy.length] = 0;
    copy.bytes = bytes;
  }
  tree->values[tree->count++] = copy;
}

/* Frees the tree, and gives back its functions, and the objects and errors that no userdata took over (a
 * userdata sets their number to 0). */
void clb_tree_clear(struct clb_state *state, struct clb_tree *tree) {
  for (size_t i = 0; i < tree->count; i++) {
    struct clb_value *value = &tree->values[i];
    bool is_owed = value->kind == CLB_OBJECT || value->kind == CLB_RAISED;
    if (value->kind == CLB_STRING || value->kind == CLB_RAISED) free((char *)value->bytes);
    if (is_owed && value->integer != 0) state->host.release(state->host.context, value->integer);
    if (value->kind == CLB_FUNCTION) state->host.release(state->host.context, (int64_t)value->length);
  }
  free(tree->values);
  *tree = (struct clb_tree){0};
}
