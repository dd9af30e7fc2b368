import KernelTemplates

/// The kernels of x86-64-v3 (AVX2 and FMA). The target's flags allow the compiler those instructions, so nothing here
/// may run, or be shared with code that runs, on a lesser processor.
public let avx2Kernels = KernelTable("avx2", SIMD8<Float>.self)
