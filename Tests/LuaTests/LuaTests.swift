// The cases of this target are the Lua files in Tests/lua; SwiftPM wants one source file.
import ProviumTesting
