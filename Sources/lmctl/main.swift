import Glibc
import LanguageModels

// No file that is opened later shall be taken for standard output or standard error.
Descriptor.openStandardOnes()
// A closed pipe is an error of `write`, which ends the program quietly; so is a file at its largest, which is told.
signal(SIGPIPE, SIG_IGN)
signal(SIGXFSZ, SIG_IGN)
Interrupts.watch()
MemoryRefusal.advise()
exit(CommandLineTool.run(Array(RawArgument.all.dropFirst())))
