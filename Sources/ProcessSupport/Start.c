// What is made right before `main`: the arguments, and room on the stack.

#if defined(__GLIBC__) || defined(__linux__)
#include <malloc.h>
#endif
#include <sys/mman.h>
#include <sys/resource.h>
#include <unistd.h>

#if defined(__linux__)

/// Of the Swift runtime: the arguments, which it would else read from /proc, where there may be none, or no descriptor for it.
extern void _swift_stdlib_overrideUnsafeArgvArgc(char **arguments, int count);

enum { room = 512 << 10 };

/// Makes the stack as large as it will be, because where memory is limited, a stack that must grow ends the program.
static __attribute__((noinline)) void grow_stack(void) {
  volatile char lowest[room];
  lowest[0] = 0;
}

/// The C library gives these arguments to constructors.
__attribute__((constructor)) static void start(int count, char **arguments) {
  _swift_stdlib_overrideUnsafeArgvArgc(arguments, count);
  struct rlimit limit;
#if defined(__GLIBC__)
  // Where address space is limited, threads share their heap, which else takes 64 MB for each.
  if (getrlimit(RLIMIT_AS, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY) mallopt(M_ARENA_MAX, 1);
#endif
  if (getrlimit(RLIMIT_STACK, &limit) != 0 || limit.rlim_cur < 4 * room) return;
  void *probe = mmap(0, 2 * room, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
  if (probe == MAP_FAILED) {
    static const char text[] = "lmctl: the system gives no memory to start with; raise the limit (ulimit -v)\n";
    if (write(STDERR_FILENO, text, sizeof text - 1) < 0) _exit(1);
    _exit(1);
  }
  munmap(probe, 2 * room);
  grow_stack();
}

#endif
