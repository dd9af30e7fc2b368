import Glibc
import LanguageModels

// No file that is opened later shall be taken for standard output or standard error.
Descriptor.openStandardOnes()
// A closed pipe is an error of `write`, which ends the program quietly.
signal(SIGPIPE, SIG_IGN)
Interrupts.watch()
MemoryRefusal.advise()
exit(CommandLineTool.run(Array(RawArgument.all.dropFirst())))
