// The allocation functions of the C library, but that none returns without memory once `process_refuse_memory` was called.

#include "ProcessSupport.h"
#include <errno.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#if defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define SANITIZED 1
#endif
#endif

static _Atomic(const char *) advice;
static void (*beginning)(void);
static void (*cleaning)(void);
/// Memory that is given back when the system has no more, so that the last steps have some.
static void *reserve;

void process_refuse_memory(const char *text, void (*begin)(void), void (*clean)(void)) {
  if (!reserve) reserve = malloc(128 << 10);
  beginning = begin;
  cleaning = clean;
  // What was said before is left: another thread may be reading it.
  const char *copy = strdup(text);
  if (copy) atomic_store(&advice, copy);
}

#if defined(__GLIBC__) && !defined(SANITIZED)

void *__libc_malloc(size_t size);
void *__libc_calloc(size_t count, size_t size);
void *__libc_realloc(void *memory, size_t size);
void *__libc_memalign(size_t alignment, size_t size);
void __libc_free(void *memory);

static _Atomic int isEnding;
static _Thread_local int isMine;

/// Says that `size` bytes are refused, and ends the program.
static __attribute__((noinline, cold)) void refuse(size_t size) {
  const char *end = atomic_load(&advice);
  if (!end) return;
  if (atomic_exchange(&isEnding, 1)) {
    if (isMine) _exit(1);
    while (1) pause();
  }
  isMine = 1;
  __libc_free(reserve);
  char text[400];
  int length =
      size < 1000000
          ? snprintf(text, sizeof text, "lmctl: the system gives no more memory; %s\n", end)
          : snprintf(text, sizeof text, "lmctl: the system refuses %zu MB more of memory; %s\n", size / 1000000, end);
  if (beginning) beginning();
  if (length > 0) {
    size_t count = (size_t)length < sizeof text ? (size_t)length : sizeof text - 1;
    if (write(STDERR_FILENO, text, count) < 0) _exit(1);
  }
  if (cleaning) cleaning();
  _exit(1);
}

void *malloc(size_t size) {
  void *memory = __libc_malloc(size);
  if (__builtin_expect(!memory, 0)) refuse(size);
  return memory;
}

void *calloc(size_t count, size_t size) {
  void *memory = __libc_calloc(count, size);
  if (__builtin_expect(!memory, 0)) refuse(size && count > (size_t)-1 / size ? (size_t)-1 : count * size);
  return memory;
}

void *realloc(void *old, size_t size) {
  void *memory = __libc_realloc(old, size);
  if (__builtin_expect(!memory, 0) && size) refuse(size);
  return memory;
}

void *memalign(size_t alignment, size_t size) {
  void *memory = __libc_memalign(alignment, size);
  if (__builtin_expect(!memory, 0)) refuse(size);
  return memory;
}

void *aligned_alloc(size_t alignment, size_t size) { return memalign(alignment, size); }

int posix_memalign(void **result, size_t alignment, size_t size) {
  if (alignment % sizeof(void *) || alignment == 0 || alignment & (alignment - 1)) return EINVAL;
  void *memory = memalign(alignment, size);
  if (!memory) return ENOMEM;
  *result = memory;
  return 0;
}

#endif
