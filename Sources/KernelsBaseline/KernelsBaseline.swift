import KernelTemplates

/// The kernels for Baseline
public let baselineKernels = KernelTable("baseline", SIMD4<Float>.self)
