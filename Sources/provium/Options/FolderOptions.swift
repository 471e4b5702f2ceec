import ArgumentParser
import ProviumRuntime
import ProviumSystem
import ProviumVM

/// Options for folders of the host in a VM.
struct FolderOptions: ParsableArguments {
  @Option(
    name: .customLong("share"),
    help: ArgumentHelp(
      "Show a folder of the host to the VM, read only; repeat for more.",
      valueName: "folder:path"
    )
  )
  var shares: [String] = []
  @Option(
    name: .customLong("root"),
    help: ArgumentHelp("Use a folder, such as /, or an archive as the VM's root.", valueName: "path")
  )
  var root: String?

  func validate() throws {
    for share in shares where Self.parts(of: share) == nil {
      throw ValidationError("--share '\(share)' must be FOLDER:PATH, such as ~/linux:/src")
    }
    if root?.isEmpty == true { throw ValidationError("--root needs a folder, such as /") }
  }

  /// The folders, with absolute paths of the host.
  var folders: SingleCommand.Folders {
    var folders = SingleCommand.Folders()
    folders.shares = shares.compactMap(Self.parts).map {
      SharedFolder(Files.resolve($0.folder, against: Files.currentDirectory), at: $0.path)
    }
    folders.root = root.map { Files.resolve($0, against: Files.currentDirectory) }
    return folders
  }

  /// A guest path has no colon in it.
  private static func parts(of text: String) -> (folder: String, path: String)? {
    guard let colon = text.lastIndex(of: ":"), colon != text.startIndex else { return nil }
    let path = String(text[text.index(after: colon)...])
    return path.hasPrefix("/") ? (String(text[..<colon]), path) : nil
  }
}
