import KernelTemplates

/// The kernels of x86-64-v4 (AVX-512 F, BW, DQ and VL). The target's flags allow the compiler those instructions, so
/// nothing here may run, or be shared with code that runs, on a lesser processor.
public let avx512Kernels = KernelTable("avx512", SIMD16<Float>.self)
