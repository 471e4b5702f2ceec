import Glibc
import ProviumSystem

/// A layer in two files: the blocks at the disk's own offsets, and their map.
///
///     NAME       the contents, sparse
///     NAME.map   "PVMLAYER", the number of blocks (u64), then for each run: first block (u64), count (u64), state (u64);
///                everything little-endian
enum SavedLayer {
  private static let magic = Array("PVMLAYER".utf8)

  static func names(_ name: String) -> [String] { [name, "\(name).map"] }

  /// Writes one layer that has the contents of all `layers`, the lowest first.
  static func write(_ layers: [any BlockSource], blocks: Int, to path: String) throws {
    var target = try Layer(blocks: blocks, limit: .max, folder: Files.parent(of: path))
    for layer in layers { try target.merge(layer) }
    try target.file.copy(to: path)
    var map = magic
    append(blocks, to: &map)
    target.map.forEachOwnRun { run, state in
      append(run.lowerBound, to: &map)
      append(run.count, to: &map)
      append(Int(state.rawValue), to: &map)
    }
    try Files.write(map, to: "\(path).map")
  }

  /// The file is damaged, or of another disk.
  struct Damaged: Error, CustomStringConvertible {
    let path: String
    var description: String { "\(path) is not the map of a layer of this disk" }
  }

  /// Opens a layer for reading.
  static func read(_ path: String, blocks: Int) throws -> Layer {
    let bytes = try Files.read("\(path).map")
    let damaged = Damaged(path: "\(path).map")
    let header = magic.count + 8
    guard bytes.starts(with: magic), bytes.integer(at: magic.count, as: UInt64.self) == UInt64(blocks),
      (bytes.count - header) % 24 == 0
    else { throw damaged }
    var map = BlockMap(count: blocks)
    for place in stride(from: header, to: bytes.count, by: 24) {
      guard let first: UInt64 = bytes.integer(at: place), let count: UInt64 = bytes.integer(at: place + 8),
        let state: UInt64 = bytes.integer(at: place + 16), first < UInt64(blocks),
        count <= UInt64(blocks) - first, let known = BlockMap.State(rawValue: UInt8(clamping: state))
      else { throw damaged }
      map.set(Int(first)..<Int(first + count), to: known)
    }
    return Layer(file: try LayerFile(reading: path), map: map, limit: 0)
  }

  private static func append(_ number: Int, to bytes: inout [UInt8]) {
    withUnsafeBytes(of: UInt64(number).littleEndian) { bytes.append(contentsOf: $0) }
  }
}
