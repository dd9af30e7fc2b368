import Glibc

// A closed pipe is an error of `write`, which ends the program quietly.
signal(SIGPIPE, SIG_IGN)
Interrupts.watch()
MemoryRefusal.advise()
exit(CommandLineTool.run(Array(CommandLine.arguments.dropFirst())))
