-- Gives every string the members of `r.stdout`: `.value`, and `.contains .starts_with .ends_with .trim .lines`, called with
-- `.` or `:`. Strings stay Lua's own, so that `#`, `..`, `==`, `type` and the string library work. A script that defines
-- such a function itself, `string.trim`, gets its own with `:`.
local native = ...
local misuse, rawequal, select, type = native.misuse, rawequal, select, type
local string, find, sub, match = string, string.find, string.sub, string.match

local function text(name, value)
  local kind = type(value)
  if kind == "number" then return tostring(value) end
  if kind ~= "string" then misuse(("%s: its argument must be a string, got %s"):format(name, kind)) end
  return value
end

local function lines(self)
  local list, start = {}, 1
  while start <= #self do
    local stop = find(self, "\n", start, true) or #self + 1
    list[#list + 1] = sub(self, start, stop - 1)
    start = stop + 1
  end
  local index = 0
  return setmetatable(list, {
    __call = function(list)
      index = index + 1
      if list[index] == nil then index = 0 return nil end
      return list[index]
    end,
  })
end

local methods = {
  contains = {1, function(self, needle) return find(self, text("contains", needle), 1, true) ~= nil end},
  starts_with = {1, function(self, start)
    start = text("starts_with", start)
    return sub(self, 1, #start) == start
  end},
  ends_with = {1, function(self, tail)
    tail = text("ends_with", tail)
    return tail == "" or sub(self, -#tail) == tail
  end},
  trim = {0, function(self) return match(match(self, "^%s*(.*)$"), "^.*%S") or "" end},
  lines = {0, lines},
}

local function bound(self, name, count, body)
  return function(...)
    local given = select("#", ...)
    if given == count then return body(self, ...) end
    if given > 0 and rawequal((...), self) then
      local own = rawget(string, name)
      if own then return own(...) end
      if given == count + 1 then return body(...) end
      given = given - 1
    end
    misuse(("%s: takes %s, got %d"):format(name, count == 0 and "no argument" or "one argument", given))
  end
end

getmetatable("").__index = function(self, name)
  local method = methods[name]
  if method then return bound(self, name, method[1], method[2]) end
  if name == "value" then return self end
  return string[name]
end
