import ArgumentParser
import ProviumRuntime

struct DoctorCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor",
    abstract: "Say what this machine can do, and what mends what it cannot.",
    discussion: "Exits with 0 only when a test could run."
  )

  func run() throws {
    let examination = Examination(configuration: try ConfigurationFile.find())
    for finding in examination.findings {
      Console.print("  \(finding.mark) \(finding.subject): \(finding.text)")
      if let remedy = finding.remedy { Console.print("      \(remedy)") }
    }
    Console.print(examination.canRun ? "\ntests can run here" : "\ntests cannot run here")
    throw ExitCode(examination.canRun ? 0 : ExitStatusCode.fault)
  }
}
