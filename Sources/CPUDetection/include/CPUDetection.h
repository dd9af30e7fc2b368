#ifndef CPU_DETECTION_H
#define CPU_DETECTION_H

#include <stdbool.h>

/// The processors that this process may run on: what `taskset` and containers leave.
int cpu_count_available(void);

/// Whether the processor and the operating system run x86-64-v3 code (AVX2 and FMA).
static inline bool cpu_runs_avx2(void) {
#if defined(__x86_64__)
  return __builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma");
#else
  return false;
#endif
}

/// Whether the processor and the operating system run x86-64-v4 code (AVX-512 F, BW, DQ and VL).
static inline bool cpu_runs_avx512(void) {
#if defined(__x86_64__)
  return cpu_runs_avx2() && __builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
         __builtin_cpu_supports("avx512dq") && __builtin_cpu_supports("avx512vl");
#else
  return false;
#endif
}

/// Tells the processor that this is a spinning loop.
static inline void cpu_spin_hint(void) {
#if defined(__x86_64__)
  __builtin_ia32_pause();
#elif defined(__aarch64__)
  __asm__ volatile("yield");
#endif
}

/// Asks for the cache line at an address that will be written soon; any address will do.
static inline void cpu_prefetch_for_writing(const void *address) { __builtin_prefetch(address, 1, 3); }

/// Asks for the cache line at an address that will be read soon; any address will do.
static inline void cpu_prefetch(const void *address) { __builtin_prefetch(address, 0, 3); }

#endif
