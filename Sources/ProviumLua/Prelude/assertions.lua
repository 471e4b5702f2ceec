-- `assert`, `assert_eq` and the other assertions, `fail`, and the text of values in their messages.
local native = ...
local misuse, fail_with, quote = native.misuse, native.fail, native.quote
local raise_again = assert -- the bridge's, until it is replaced below: raises a caught error again as itself
local type, next, rawlen, rawget, tostring, select = type, next, rawlen, rawget, tostring, select
local find, format, concat, sort, integral = string.find, string.format, table.concat, table.sort, math.type

local function metamethod(value, name)
  local meta = debug.getmetatable(value)
  return type(meta) == "table" and rawget(meta, name) or nil
end

local function is_name(key) return type(key) == "string" and find(key, "^[%a_][%w_]*$") ~= nil end

local rank = {boolean = 1, number = 2, string = 3}
local function key_order(left, right)
  local left_rank, right_rank = rank[type(left)] or 9, rank[type(right)] or 9
  if left_rank ~= right_rank then return left_rank < right_rank end
  if left_rank == 2 or left_rank == 3 then return left < right end
  return tostring(left) < tostring(right)
end

local function sorted_keys(value)
  local keys, length = {}, rawlen(value)
  for key in next, value do
    if integral(key) ~= "integer" or key < 1 or key > length then keys[#keys + 1] = key end
  end
  sort(keys, key_order)
  return keys, length
end

local MAX_ENTRIES, MAX_DEPTH = 32, 6
local describe

local function describe_table(value, depth, path)
  if path[value] then return "<the table itself>" end
  if depth == 0 then return "{…}" end
  path[value] = true
  local parts, keys, length = {}, sorted_keys(value)
  for index = 1, math.min(length, MAX_ENTRIES) do
    parts[#parts + 1] = describe(rawget(value, index), depth - 1, path)
  end
  for index = 1, math.min(#keys, MAX_ENTRIES) do
    local key = keys[index]
    local shown = is_name(key) and key or "[" .. describe(key, 1, path) .. "]"
    parts[#parts + 1] = shown .. " = " .. describe(rawget(value, key), depth - 1, path)
  end
  if length > MAX_ENTRIES or #keys > MAX_ENTRIES then parts[#parts + 1] = "…" end
  path[value] = nil
  return "{" .. concat(parts, ", ") .. "}"
end

-- Numbers that are probably addresses or flags are shown in hex too. Results from -4095 to -1 are an errno.
function describe(value, depth, path)
  local kind = type(value)
  if kind == "string" then return quote(value) end
  if integral(value) == "integer" and (value > 0x7fffffff or value < -4095) then
    return format("%d (0x%x)", value, value)
  end
  if kind == "table" and not metamethod(value, "__tostring") then
    return describe_table(value, depth or MAX_DEPTH, path or {})
  end
  return tostring(value)
end

local function same_plainly(left, right) return left == right or (left ~= left and right ~= right) end

-- The pairs to compare are in lists, not on Lua's stack: tables may be nested deeper than calls can be.
local function same(left, right)
  local lefts, rights, waiting, seen = {left}, {right}, 1, {}
  while waiting > 0 do
    left, right = lefts[waiting], rights[waiting]
    waiting = waiting - 1
    if not same_plainly(left, right) then
      if type(left) ~= "table" or type(right) ~= "table" then return false end
      if metamethod(left, "__eq") or metamethod(right, "__eq") then return false end
      local partners = seen[left] or {}
      seen[left] = partners
      if not partners[right] then
        partners[right] = true
        for key, value in next, left do
          local other = rawget(right, key)
          if type(value) == "table" and type(other) == "table" then
            waiting = waiting + 1
            lefts[waiting], rights[waiting] = value, other
          elseif not same_plainly(value, other) then
            return false
          end
        end
        for key in next, right do
          if rawget(left, key) == nil then return false end
        end
      end
    end
  end
  return true
end

-- Returns the path to the first entry that differs, and both values there.
local function first_difference(left, right, path, depth)
  local function inspect(key)
    local here, there = rawget(left, key), rawget(right, key)
    if same(here, there) then return nil end
    local step = path .. (is_name(key) and "." .. key or "[" .. describe(key, 1) .. "]")
    if depth > 0 and type(here) == "table" and type(there) == "table" then
      return first_difference(here, there, step, depth - 1)
    end
    return step, here, there
  end
  for _, one in ipairs {left, right} do
    local keys, length = sorted_keys(one)
    for index = 1, length do
      local step, here, there = inspect(index)
      if step then return step, here, there end
    end
    for _, key in ipairs(keys) do
      local step, here, there = inspect(key)
      if step then return step, here, there end
    end
  end
end

local function raise(message, text)
  if message ~= nil then text = tostring(message) .. ": " .. text end
  fail_with(text)
end

local function mismatch(expected, actual)
  if type(expected) == "string" and type(actual) == "string" then
    local difference = native.difference(expected, actual)
    if difference then return difference end
  end
  local text = "expected " .. describe(expected) .. ", got " .. describe(actual)
  local kinds = type(expected) .. " " .. type(actual)
  if kinds == "string number" or kinds == "number string" then
    text = text .. format(" (a %s is not a %s)", type(actual), type(expected))
  elseif kinds == "table table" and not (metamethod(expected, "__eq") or metamethod(actual, "__eq")) then
    local path, here, there = first_difference(expected, actual, "", MAX_DEPTH)
    if path then
      text = text .. format("\nfirst difference at %s: expected %s, got %s", path, describe(here), describe(there))
    end
  end
  return text
end

function assert(...)
  local condition, message = ...
  if condition then return ... end
  if select("#", ...) == 0 then misuse("assert: argument 'condition' is missing") end
  if message == nil then fail_with("assertion failed!", false) end
  if type(message) ~= "string" then error(message, 0) end
  raise_again(message)
  fail_with(message, false)
end

function assert_eq(...)
  if select("#", ...) == 0 then misuse("assert_eq: needs an expected and an actual value, got nothing") end
  local expected, actual, message = ...
  if not same(expected, actual) then raise(message, mismatch(expected, actual)) end
  return actual
end

function assert_ne(...)
  if select("#", ...) == 0 then misuse("assert_ne: needs two values, got nothing") end
  local unexpected, actual, message = ...
  if same(unexpected, actual) then
    raise(message, "expected another value than " .. describe(unexpected))
  end
  return actual
end

function assert_contains(haystack, needle, message)
  if type(haystack) == "table" then
    for _, value in next, haystack do
      if same(value, needle) then return haystack end
    end
    raise(message, "expected " .. describe(haystack) .. " to contain " .. describe(needle))
  end
  if type(haystack) == "number" then haystack = tostring(haystack) end
  if type(haystack) ~= "string" then
    misuse("assert_contains: argument 'haystack' must be a string or a list, got " .. type(haystack))
  end
  if type(needle) ~= "string" and type(needle) ~= "number" then
    misuse("assert_contains: argument 'needle' must be a string, got " .. type(needle))
  end
  if not find(haystack, needle, 1, true) then
    raise(message, "expected to find " .. describe(tostring(needle)) .. " in " .. native.excerpt(haystack))
  end
  return haystack
end

function assert_match(subject, pattern, message)
  if type(subject) == "number" then subject = tostring(subject) end
  if type(subject) ~= "string" then
    misuse("assert_match: argument 's' must be a string, got " .. type(subject))
  end
  if type(pattern) ~= "string" then
    misuse("assert_match: argument 'lua_pattern' must be a Lua pattern, got " .. type(pattern))
  end
  local found = table.pack(pcall(string.match, subject, pattern))
  if not found[1] then misuse("assert_match: " .. quote(pattern) .. ": " .. tostring(found[2])) end
  if found[2] == nil then
    raise(message, "expected a match for the pattern " .. quote(pattern) .. " in " .. native.excerpt(subject))
  end
  return table.unpack(found, 2, found.n)
end

function assert_error(body, needle, message)
  if type(body) ~= "function" and not metamethod(body, "__call") then
    misuse("assert_error: argument 'fn' must be a function, got " .. type(body))
  end
  if needle ~= nil and type(needle) ~= "string" then
    misuse("assert_error: argument 'needle' must be a string, got " .. type(needle))
  end
  local results = table.pack(pcall(body))
  local wanted = needle and "an error containing " .. quote(needle) or "an error"
  if results[1] then
    local returned = results.n > 1 and "returned " .. describe(results[2]) or "returned"
    raise(message, "expected " .. wanted .. ", but the function " .. returned)
  end
  local problem = results[2]
  if getmetatable(problem) == "signal" then error(problem, 0) end
  if needle and not find(tostring(problem), needle, 1, true) then
    raise(message, "expected " .. wanted .. ", got " .. describe(problem))
  end
  return problem
end

function fail(message)
  fail_with(message == nil and "failed" or tostring(message))
end

return {describe = function(value) return describe(value) end}
