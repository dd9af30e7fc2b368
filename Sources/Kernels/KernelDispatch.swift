import CPUDetection
@_exported import KernelTemplates
import KernelsBaseline

#if canImport(Glibc)
  import Glibc
#elseif canImport(Darwin)
  import Darwin
#endif

#if arch(x86_64)
  import KernelsAVX2
  import KernelsAVX512
#endif

/// Why the kernels that were asked for cannot be used.
public enum KernelError: Error, Equatable, CustomStringConvertible {
  case unknown(String)
  case unsupported(String)

  public var description: String {
    switch self {
    case .unknown(let name):
      "LMCTL_KERNELS is '\(name)'; it must be one of baseline, avx2, avx512, or not be set"
    case .unsupported(let name):
      "LMCTL_KERNELS is '\(name)', but this processor cannot run that; "
        + "unset it to use the best of: \(KernelTable.supported.map(\.name).joined(separator: ", "))"
    }
  }
}

extension KernelTable {
  /// The kernels that this processor runs, the fastest last.
  public static let supported: [KernelTable] = {
    var tables = [baselineKernels]
    #if arch(x86_64)
      if cpu_runs_avx2() { tables.append(avx2Kernels) }
      if cpu_runs_avx512() { tables.append(avx512Kernels) }
    #endif
    return tables
  }()

  /// The kernels of this name, or the fastest if `name` is nil or empty.
  ///
  /// - Throws: `KernelError` if there are no such kernels or the processor does not run them.
  public static func named(_ name: String?) throws(KernelError) -> KernelTable {
    guard let name, !name.isEmpty else { return supported.last ?? baselineKernels }
    if let table = supported.first(where: { $0.name == name }) { return table }
    throw ["baseline", "avx2", "avx512"].contains(name) ? .unsupported(name) : .unknown(name)
  }

  /// The kernels that the environment variable `LMCTL_KERNELS` names, or the fastest if it is not set.
  public static func selected() throws(KernelError) -> KernelTable {
    try named(getenv("LMCTL_KERNELS").map { String(cString: $0) })
  }
}
