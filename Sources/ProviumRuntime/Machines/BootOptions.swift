package import ProviumBoot
import ProviumSystem
package import ProviumVM

/// How a VM is booted: what `vm:boot{…}` accepts.
package struct BootOptions {
  package var memory: UInt64 = 512 << 20
  package var cpus = 1
  package var files: [GuestPath: InjectedFile] = [:]
  package var disks: [DiskOptions] = []
  package var append = ""
  package var timeout: Duration?

  package init() {}

  func request(name: String, profile: Profile) -> BootRequest {
    var image = ImageSpecification()
    image.architecture = profile.architecture ?? HostFacts.machine
    image.kernel = profile.kernel
    image.initrd = profile.initrd
    image.rootfs = profile.rootfs
    image.initProgram = profile.initProgram
    image.modules = profile.modules
    image.append = [profile.append ?? "", append].filter { !$0.isEmpty }.joined(separator: " ")
    image.files = files
    var request = BootRequest(name: name, image: image)
    request.memory = memory
    request.cpus = cpus
    request.disks = disks
    return request
  }
}
