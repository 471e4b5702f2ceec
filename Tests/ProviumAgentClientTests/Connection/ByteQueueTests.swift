import Testing

@testable import ProviumAgentClient

@Suite("A queue of bytes") struct ByteQueueTests {
  @Test("gives back what was put in, in order, whatever the steps", arguments: 0..<8) func order(
    _ seed: UInt64
  ) {
    var generator = SeededGenerator(seed)
    let queue = ByteQueue(capacity: 64)
    let data = [UInt8].pattern(200_000)
    var put = 0, taken: [UInt8] = []
    while taken.count < data.count {
      let step = min(Int.random(in: 0...5000, using: &generator), data.count - put)
      queue.append(Array(data[put..<put + step]))
      put += step
      let count = min(Int.random(in: 0...5000, using: &generator), queue.count)
      taken += queue.contents.prefix(count)
      queue.consume(count)
    }
    #expect(taken == data)
    #expect(queue.isEmpty)
  }

  @Test("takes no more than there is") func bounds() {
    let queue = ByteQueue()
    queue.append([1, 2, 3])
    queue.consume(-5)
    queue.overwrite(UInt32(7), at: 0)
    #expect(queue.contents == [1, 2, 3])
    queue.consume(100)
    #expect(queue.isEmpty)
    queue.append([4])
    #expect(queue.contents == [4])
  }
}
