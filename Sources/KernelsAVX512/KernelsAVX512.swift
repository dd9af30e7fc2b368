import KernelTemplates

/// The kernels for AVX512
public let avx512Kernels = KernelTable("avx512", SIMD16<Float>.self)
