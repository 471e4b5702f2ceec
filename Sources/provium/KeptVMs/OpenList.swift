import Glibc
import ProviumRuntime
import ProviumSystem

/// The list of the kept VMs: `provium open --list`.
struct OpenList {
  let store: FailureStore

  func print() {
    let entries = store.entries()
    if entries.isEmpty { Console.print("no VM is kept in \(Files.display(store.folder))") }
    for entry in entries {
      let age = Quantity.text(.seconds(max(0, Int64(Double(time(nil)) - entry.keptAt))))
      let head = "\(entry.id)  \(Quantity.text(bytes: entry.size))  \(age) ago"
      switch entry.failure {
      case .success(let failure):
        Console.print("\(head)  \(failure.condition.rawValue)  \(failure.machine)  \(failure.test)")
      case .failure(let error): Console.print("\(head)  cannot be opened: \(error)")
      }
    }
  }
}
