import Testing

@testable import ProviumAgentClient

@Suite("A system call is refused before it is sent") struct SystemCallCheckTests {
  static let sixteen = CallBuffer(argument: 1, bytes: [UInt8](repeating: 0, count: 16))

  /// A wrong call, and the argument that the error must name.
  struct Mistake: Sendable, CustomTestStringConvertible {
    let testDescription: String
    let parameter: InvalidArgument.Parameter
    let call: SystemCall
    init(_ what: String, _ parameter: InvalidArgument.Parameter, _ call: SystemCall) {
      testDescription = what
      self.parameter = parameter
      self.call = call
    }
  }

  static let mistakes = [
    Mistake("with seven arguments", .arguments, SystemCall(number: 0, arguments: [1, 2, 3, 4, 5, 6, 7])),
    Mistake(
      "with a buffer for argument 6",
      .bufferIndex,
      SystemCall(number: 0, buffers: [CallBuffer(argument: 6, bytes: [1])])
    ),
    Mistake(
      "with a buffer for argument -1",
      .bufferIndex,
      SystemCall(number: 0, buffers: [CallBuffer(argument: -1, bytes: [1])])
    ),
    Mistake(
      "with two buffers for one argument",
      .bufferIndex,
      SystemCall(number: 0, buffers: [sixteen, sixteen])
    ),
    Mistake(
      "with a buffer over 8 MiB",
      .buffer,
      SystemCall(
        number: 0,
        buffers: [CallBuffer(argument: 0, bytes: .init(repeating: 0, count: 8 << 20 | 1))]
      )
    ),
    Mistake(
      "with more than a message together",
      .buffer,
      SystemCall(
        number: 0,
        buffers: (0..<3).map { CallBuffer(argument: $0, bytes: .init(repeating: 0, count: 7 << 20)) }
      )
    ),
    Mistake("with a pointer past its buffer", .pointerOffset, pointer(offset: 9)),
    Mistake("with a pointer before its buffer", .pointerOffset, pointer(offset: -1)),
    Mistake("with a pointer at the end of all numbers", .pointerOffset, pointer(offset: .max)),
    Mistake("with a pointer in a buffer that is not there", .pointerBuffer, pointer(buffer: 2, offset: 0)),
    Mistake("with a pointer to less than 0 bytes", .pointerLength, pointer(offset: 0, length: -1)),
    Mistake("with a pointer to all of memory", .pointerLength, pointer(offset: 0, length: .max)),
    Mistake("with more input than its length", .pointerInput, pointer(offset: 0, length: 1)),
    Mistake(
      "with pointers that overlap",
      .pointerOffset,
      SystemCall(
        number: 0,
        buffers: [sixteen],
        pointers: [
          MemoryPointer(buffer: 1, offset: 0, length: 1, isOutput: true),
          MemoryPointer(buffer: 1, offset: 7, length: 1, isOutput: true),
        ]
      )
    ),
  ]

  static func pointer(buffer: Int = 1, offset: Int, length: Int = 4) -> SystemCall {
    SystemCall(
      number: 0,
      buffers: [sixteen],
      pointers: [MemoryPointer(buffer: buffer, offset: offset, length: length, input: [1, 2])]
    )
  }

  @Test("and the argument is named", arguments: mistakes) func refused(_ mistake: Mistake) {
    let error = #expect(throws: InvalidArgument.self) { try mistake.call.check() }
    #expect(error?.parameter == mistake.parameter)
  }

  @Test("but not at the very limits") func limits() throws {
    try Self.pointer(offset: 8).check()
    try SystemCall(number: 0, arguments: [1, 2, 3, 4, 5, 6]).check()
    try SystemCall(
      number: 0,
      buffers: [CallBuffer(argument: 0, bytes: []), Self.sixteen],
      pointers: [MemoryPointer(buffer: 1, offset: 0, length: 0)]
    ).check()
    try SystemCall(
      number: 0,
      buffers: [CallBuffer(argument: 5, bytes: .init(repeating: 0, count: 8 << 20))]
    ).check()
  }
}
