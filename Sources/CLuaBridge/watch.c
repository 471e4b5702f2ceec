/*
 * Ends a script that does not end by itself. A count hook reads the clock and the interrupt flag. Once the
 * script must stop, the hook's count is 1 and it raises at every instruction, so that each pcall of the
 * script goes on for one instruction only. The entry that set the deadline catches the error and sets the
 * hook's count back.
 */
#include "border.h"

#include <stdlib.h>
#include <time.h>

static uint64_t watch_now(void) {
  struct timespec time;
  clock_gettime(CLOCK_MONOTONIC, &time);
  return (uint64_t)time.tv_sec * 1000000000u + (uint64_t)time.tv_nsec;
}

static bool watch_has_passed(uint64_t deadline) { return deadline != UINT64_MAX && watch_now() >= deadline; }

enum clb_stop clb_watch_reason(struct clb_state *state) {
  if (atomic_load_explicit(&state->interrupt->raised, memory_order_relaxed)) return CLB_STOPPED_BY_INTERRUPT;
  if (!watch_has_passed(state->deadline)) return CLB_RUNNING;
  state->deadline = state->host.deadline(state->host.context, 0);
  return watch_has_passed(state->deadline) ? CLB_STOPPED_BY_DEADLINE : CLB_RUNNING;
}

/* Whether a deadline around the innermost call has passed, too. */
bool clb_watch_outer_has_passed(struct clb_state *state) {
  return watch_has_passed(state->host.deadline(state->host.context, 1));
}

static const char *watch_text(enum clb_stop reason) {
  return reason == CLB_STOPPED_BY_DEADLINE ? "time limit reached" : "interrupted";
}

/* Notes the place where the script is stopped first. */
static void watch_note_stop(lua_State *L, struct clb_state *state, enum clb_stop reason) {
  if (state->stopped.reason != CLB_RUNNING) return;
  state->stopped.reason = reason;
  state->stopped.file = clb_traceback_where(L, &state->stopped.line);
  state->stopped.traceback = clb_traceback(L);
}

/* Notes a stop for an entry that ended by itself after its deadline or interrupt. Does not raise. */
void clb_watch_late(lua_State *L, struct clb_state *state) {
  enum clb_stop reason = clb_watch_reason(state);
  if (reason != CLB_RUNNING) watch_note_stop(L, state, reason);
}

/* Raises the stop. */
int clb_watch_raise(lua_State *L, enum clb_stop reason) {
  struct clb_state *state = clb_state_of(L);
  watch_note_stop(L, state, reason);
  clb_watch_arm(L, state);
  if (L != state->main) clb_watch_arm(state->main, state);
  lua_pushstring(L, watch_text(reason));
  return lua_error(L);
}

static void watch_hook(lua_State *L, lua_Debug *activation) {
  (void)activation;
  struct clb_state *state = clb_state_of(L);
  enum clb_stop reason = clb_watch_reason(state);
  if (reason != CLB_RUNNING) clb_watch_raise(L, reason);
  if (lua_gethookcount(L) != CLB_WATCH_INTERVAL)
    clb_watch_arm(L, state); /* a coroutine that outlived a stop */
}

/* Coroutines inherit the hook of the one that creates them. Does not raise. */
void clb_watch_arm(lua_State *L, struct clb_state *state) {
  int count = clb_watch_reason(state) == CLB_RUNNING ? CLB_WATCH_INTERVAL : 1;
  if (lua_gethook(L) != watch_hook || lua_gethookcount(L) != count)
    lua_sethook(L, watch_hook, LUA_MASKCOUNT, count);
}

void clb_watch_open(lua_State *L) { clb_watch_arm(L, clb_state_of(L)); }

void clb_set_deadline(struct clb_state *state, uint64_t deadline) {
  state->deadline = deadline;
  clb_watch_arm(state->main, state);
}

struct clb_interrupt *clb_interrupt_create(void) {
  return calloc(1, sizeof(struct clb_interrupt));
}
void clb_interrupt_destroy(struct clb_interrupt *interrupt) { free(interrupt); }
void clb_interrupt_set(struct clb_interrupt *interrupt, bool raised) {
  atomic_store_explicit(&interrupt->raised, raised, memory_order_relaxed);
}
