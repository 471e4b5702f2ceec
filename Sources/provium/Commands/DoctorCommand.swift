import ArgumentParser
import ProviumRunner
import ProviumRuntime
import ProviumScripts

struct DoctorCommand: ParsableCommand {
  static let configuration = CommandConfiguration(
    commandName: "doctor",
    abstract: "Check whether this host can run tests, and suggest fixes.",
    discussion: "Exits with 0 if tests can run, otherwise with 2."
  )

  func run() throws {
    let check = HostCheck(try ConfigurationFile.find())
    for finding in check.findings {
      Console.print("  \(finding.mark) \(finding.subject): \(finding.text)")
      if let remedy = finding.remedy { Console.print("      \(remedy)") }
    }
    Console.print(check.canRun ? "\ntests can run here" : "\ntests cannot run here")
    throw ExitCode(check.canRun ? 0 : ExitStatusCode.notJudged)
  }
}
