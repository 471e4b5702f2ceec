// The public types of lower targets: `import ProviumTesting` is the only import that a test needs. Each is
// named here, so that nothing else of those targets becomes visible to users.
@_exported public import struct ProviumAgentClient.CommandOptions
@_exported public import struct ProviumAgentClient.CommandOutput
@_exported public import struct ProviumAgentClient.CommandResult
@_exported public import struct ProviumAgentClient.IoctlResult
@_exported public import struct ProviumAgentClient.JobResult
@_exported public import struct ProviumAgentClient.SystemCallResult
@_exported public import struct ProviumAgentClient.TerminalSize
@_exported public import enum ProviumAgentClient.WorkerKind
@_exported public import struct ProviumArchitecture.Architecture
@_exported public import struct ProviumBoot.BootSource
@_exported public import struct ProviumBoot.GuestFile
@_exported public import struct ProviumNetwork.BurstLoss
@_exported public import struct ProviumNetwork.Impairment
@_exported public import struct ProviumRuntime.ProviumError
@_exported public import struct ProviumSystem.Errno
@_exported public import enum ProviumSystem.ExitStatus
@_exported public import struct ProviumSystem.Signal
@_exported public import struct ProviumVM.Disk
@_exported public import struct ProviumVM.InvalidConfiguration
@_exported public import struct ProviumVM.MachineConfiguration
@_exported public import struct ProviumVM.MemorySize
@_exported public import struct ProviumVM.ServedDisk
@_exported public import struct ProviumVM.SharedFolder
