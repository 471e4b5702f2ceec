/// What each reporter makes of `SampleRun`, to the byte. Read a change here as your users will.
enum Golden {}
