/// Makes, at run time, the type that stands for a Lua file.
///
/// A suite is named by the type that contains its tests, and `Test.id` is the type's full name split at its dots. There is
/// no legal way to name a type at run time, so this builds the metadata of an empty enum by the Swift runtime's own
/// layout (docs/ABI/TypeMetadata.rst, unchanged since Swift 5.0):
///
///     module context    flags u32 (kind 0)            | parent i32 | name i32
///     enum descriptor   flags u32 (kind 18, unique)   | parent i32 | name i32 | access i32 | fields i32 |
///                       payload cases u32             | empty cases u32
///     enum metadata     layout string | value witnesses | kind 0x201 | descriptor        (64-bit words)
///
/// References are relative to their own address; zero is none. The value witnesses are those of `Never`, also an enum
/// without cases. What was built is used only if the runtime reads the wanted name back.
enum RuntimeSuiteType {
  private static let moduleFlags: UInt32 = 0
  private static let uniqueEnumFlags: UInt32 = 0x40 | 18
  private static let enumMetadataKind: UInt = 0x201

  private static let moduleSize = 3 * 4
  private static let descriptorSize = 7 * 4
  private static let metadataSize = 4 * 8

  /// The type `name` in the module `module`, or nil when this runtime would not read `module.name`.
  ///
  /// Both may hold slashes, but no dots: `LuaTests/net/dhcp` and `lua` read `LuaTests/net/dhcp.lua`.
  static func make(module: String, name: String) -> Any.Type? {
    let moduleBytes = Array(module.utf8) + [0], nameBytes = Array(name.utf8) + [0]
    let descriptor = moduleSize
    let strings = descriptor + descriptorSize
    let metadata = (strings + moduleBytes.count + nameBytes.count + 15) & ~15
    // Never freed: types live for ever.
    let base = UnsafeMutableRawPointer.allocate(byteCount: metadata + metadataSize, alignment: 16)
    base.initializeMemory(as: UInt8.self, repeating: 0, count: metadata + metadataSize)
    (base + strings).copyMemory(from: moduleBytes, byteCount: moduleBytes.count)
    (base + strings + moduleBytes.count).copyMemory(from: nameBytes, byteCount: nameBytes.count)

    func store(_ value: UInt32, at offset: Int) {
      base.storeBytes(of: value, toByteOffset: offset, as: UInt32.self)
    }
    func refer(from offset: Int, to target: Int) {
      base.storeBytes(of: Int32(target - offset), toByteOffset: offset, as: Int32.self)
    }
    store(moduleFlags, at: 0)
    refer(from: 8, to: strings)
    store(uniqueEnumFlags, at: descriptor)
    refer(from: descriptor + 4, to: 0)
    refer(from: descriptor + 8, to: strings + moduleBytes.count)

    let words = (base + metadata).assumingMemoryBound(to: UInt.self)
    let never = unsafeBitCast(Never.self as Any.Type, to: UnsafePointer<UInt>.self)
    words[1] = never[-1]
    words[2] = enumMetadataKind
    words[3] = UInt(bitPattern: base + descriptor)
    let type = unsafeBitCast(words + 2, to: Any.Type.self)
    return _typeName(type, qualified: true) == "\(module).\(name)" ? type : nil
  }
}
