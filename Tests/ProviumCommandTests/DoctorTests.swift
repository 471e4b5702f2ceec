import Glibc
import ProviumSystem
import Testing

@Suite(
  "provium doctor",
  .enabled(if: noMachines == nil, Comment(rawValue: noMachines ?? "")),
  .serialized
)
struct DoctorTests {
  /// A QEMU that has a version and starts no machine, as one without its accelerator's module.
  private static let fakeQEMU = """
    #!/bin/sh
    case "$*" in
      *--version*) echo 'QEMU emulator version 7.2.22 (fake)'; exit ;;
      *"-netdev help"*) printf 'Available netdev backend types:\\nsocket\\n'; exit ;;
    esac
    echo 'qemu-system-x86_64: invalid accelerator tcg' >&2
    exit 1

    """

  @Test(
    "says that tests cannot run where QEMU emulates nothing, and why",
    .disabled(if: hasKVM, "with KVM nothing needs to be emulated")
  )
  func noEmulation() throws {
    let project = try Project(withCache: ["qemu": Self.fakeQEMU])
    chmod("\(project.path)/qemu", 0o755)
    let command = try Command(
      "doctor",
      in: project.path,
      environment: ["PROVIUM_QEMU": "\(project.path)/qemu"]
    )
    #expect(command.status == .exited(2))
    #expect(command.text.contains("✗ QEMU: "), "\(command.text)")
    #expect(command.text.contains("cannot start an emulated VM"), "\(command.text)")
    #expect(command.text.contains("invalid accelerator tcg"))
    #expect(command.text.contains("tests cannot run here"), "\(command.text)")
    #expect(command.text.contains("! host networks: \(project.path)/qemu is built without user-mode"))
  }

  private static let hasKVM = (try? Command("doctor", in: "/").text.contains("accelerator: kvm")) ?? false

  @Test("looks at every architecture that a profile names") func architectures() throws {
    let project = try Project(
      withCache: ["qemu": Self.fakeQEMU],
      settings: "[profile.small]\narch = \"aarch64\"\nkernel = \"Image\""
    )
    chmod("\(project.path)/qemu", 0o755)
    var command = try Command("doctor", in: project.path, environment: ["PROVIUM_QEMU_AARCH64": "/no/qemu"])
    #expect(
      command.text.contains(
        "! aarch64: the profile small cannot boot: /no/qemu cannot be used: there is no such file (PROVIUM_QEMU_AARCH64 names it)"
      ),
      "\(command.text)"
    )
    // The variable of the one is not the other's.
    #expect(command.text.contains("✓ QEMU: "), "\(command.text)")
    #expect(command.text.contains("host networks: "), "\(command.text)")
    #expect(command.status == .exited(0))
    command = try Command(
      "doctor",
      in: project.path,
      environment: ["PROVIUM_QEMU_AARCH64": "\(project.path)/qemu"]
    )
    #expect(command.text.contains("! aarch64: the profile small cannot boot: "), "\(command.text)")
    #expect(command.text.contains("cannot start an emulated VM"), "\(command.text)")
  }

  @Test("and the header of a run say the same of the accelerator") func agreement() throws {
    let project = try Project(withCache: ["tests/a.lua": "test('x', function() end)\n"])
    let doctor = try Command("doctor", in: project.path).text
    let header = try Command("test", in: project.path).text
    let line = try #require(doctor.split(separator: "\n").first { $0.contains(" accelerator: ") })
    let verdict = line.split(separator: ":", maxSplits: 1)[1].trimming { $0 == " " }
    #expect(header.contains(verdict.hasPrefix("kvm (") ? "kvm" : String(verdict)), "\(doctor)\n\(header)")
    // A proof by guest code is kept for this boot.
    #expect(try Command("doctor", in: project.path).text.contains(String(line)))
  }
}

extension Substring {
  fileprivate func trimming(_ isLeft: (Character) -> Bool) -> Substring {
    drop(while: isLeft)
  }
}
