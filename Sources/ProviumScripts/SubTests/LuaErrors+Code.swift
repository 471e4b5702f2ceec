package import ProviumLua
package import ProviumRuntime

extension LuaAssertion: CodedError {
  package var code: ProviumError.Code { .assertion }
}

extension LuaError: CodedError {
  package var code: ProviumError.Code { .invalidUse }
}

extension UnnamedMisuse: CodedError {
  package var code: ProviumError.Code { .invalidUse }
}

/// A failure of Lua that reaches the engine: a fixture's script that does not load.
extension LuaFailure: CodedError {
  package var code: ProviumError.Code { payload.map(ProviumError.Code.init) ?? .script }
}
