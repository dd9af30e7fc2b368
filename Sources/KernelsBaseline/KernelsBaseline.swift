import KernelTemplates

/// The kernels that every processor of the architecture runs.
public let baselineKernels = KernelTable("baseline", SIMD4<Float>.self)
