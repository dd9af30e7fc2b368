import KernelTemplates

/// The kernels for AVX2
public let avx2Kernels = KernelTable("avx2", SIMD8<Float>.self)
