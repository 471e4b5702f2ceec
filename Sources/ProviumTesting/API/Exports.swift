// The types of the public API that belong to other modules. Users need one import only.
@_exported public import ProviumAgentClient
@_exported public import ProviumBoot
@_exported public import ProviumSystem
@_exported public import ProviumVM
