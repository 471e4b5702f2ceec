/// The exact text of `SampleRun` in each format. Read a change here as a user of the reports will.
enum Golden {}
