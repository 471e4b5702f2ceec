#if !__has_include(<lauxlib.h>)
#error "Provium needs Lua 5.4, found by pkg-config: apt-get install liblua5.4-dev pkg-config"
#endif
#include <lua.h>
#include <lauxlib.h>
#include <lualib.h>
