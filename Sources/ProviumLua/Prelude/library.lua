-- Strict libraries, and the functions of Lua's library that reach outside: files, output, programs, exit. Each file of the
-- prelude is a chunk that gets a table of Swift functions as its argument.
local native = ...
local misuse, unknown, emit, load_script = native.misuse, native.unknown, native.emit, native.load_script
local note_missing = native.note_missing
local exported = {}

function exported.library(name, members)
  local names = {}
  for key in next, members do names[#names + 1] = key end
  _G[name] = setmetatable(members, {
    __name = name,
    __index = function(_, key) unknown(name, key, names) end,
  })
end

function dofile(path)
  return load_script(path, "dofile")()
end

function loadfile(path, mode, ...)
  local ok, loaded = pcall(load_script, path, "loadfile")
  if not ok then return nil, loaded end
  if select("#", ...) > 0 then debug.setupvalue(loaded, 1, (...)) end
  return loaded
end

package.searchers[2] = function(module)
  local path, searched = package.searchpath(module, package.path)
  local name = module:gsub("%.", "/")
  for template in package.path:gmatch("[^;]+") do
    local candidate = template:gsub("%?", (name:gsub("%%", "%%%%")))
    if candidate == path then break end
    note_missing(candidate)
  end
  if not path then return searched end
  return load_script(path, "require"), path
end

function exported.set_package_path(path) package.path = path end

local output, stdout = io.output, io.stdout
local file = getmetatable(stdout).__index
local write = file.write

function file.write(self, ...)
  if self ~= stdout then return write(self, ...) end
  for index = 1, select("#", ...) do
    local value = select(index, ...)
    local kind = type(value)
    if kind ~= "string" and kind ~= "number" then
      misuse(("io.write: argument %d must be a string or a number, got %s"):format(index, kind))
    end
  end
  emit(table.concat({...}))
  return stdout
end

function io.write(...) return file.write(output(), ...) end

function os.execute(command)
  if command == nil then return true end
  return native.execute(command)
end

local open_stream = io.popen

function io.popen(command, mode)
  mode = mode or "r"
  if mode ~= "r" and mode ~= "w" then
    misuse(('io.popen: mode must be "r" or "w", got %s'):format(tostring(mode)))
  end
  local descriptor, pid = native.open_program(command, mode)
  return open_stream(descriptor, mode, function() return native.close_program(pid) end)
end

function os.exit()
  misuse("os.exit: it would end Provium; use return, error(), skip() or fail()")
end

return exported
