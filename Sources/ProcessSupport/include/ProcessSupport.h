#ifndef PROCESS_SUPPORT_H
#define PROCESS_SUPPORT_H

/// From now on, memory that the system refuses ends the program with one sentence, which closes with `advice`, and exit
/// status 1; `clean` is called in between, and must do with what memory there is.
///
/// Without it, what needs memory that is refused fails in its own way: Swift's arrays by a trap.
void process_refuse_memory(const char *advice, void (*clean)(void));

#endif
