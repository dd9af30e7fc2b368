#ifndef PROCESS_SUPPORT_H
#define PROCESS_SUPPORT_H

/// From now on, memory that the system refuses ends the program with one sentence, which closes with `advice`, and exit
/// status 1. `begin` is called before the sentence, `clean` behind it; they must do with what memory there is.
///
/// Without it, what needs memory that is refused fails in its own way: Swift's arrays by a trap.
void process_refuse_memory(const char *advice, void (*begin)(void), void (*clean)(void));

#endif
