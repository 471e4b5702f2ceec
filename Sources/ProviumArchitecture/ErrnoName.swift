/// Names of the kernel's errors. The numbers are the same on every architecture of `Architecture.all`.
package enum ErrnoName {
  package static func number(_ name: String) -> Int32? { table.numbers[name].flatMap { Int32(exactly: $0) } }
  package static func name(_ number: Int32) -> String? { table.name(Int64(number)) }
  package static var all: [String: Int64] { table.numbers }

  private static let table = NameTable(SystemNumbers.errno)
}
