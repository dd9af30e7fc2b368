// swift-tools-version: 6.0
import PackageDescription

/// Flags of a target that holds the kernels of one instruction set: optimized in debug builds too, because
/// unoptimized SIMD code is hundreds of times slower, and without overflow traps inside the loops.
func kernelSettings(_ flags: [String] = []) -> [SwiftSetting] {
  [.unsafeFlags(["-Ounchecked"] + flags)] + releaseSettings()
}

/// Flags of a library that computes: debug builds are optimized, too, so that tests can train networks, but keep their assertions.
func librarySettings() -> [SwiftSetting] {
  [.unsafeFlags(["-O", "-assert-config", "Debug"], .when(configuration: .debug))] + releaseSettings()
}

/// Flags of release builds: functions lie apart, so that the linker leaves out those that nobody calls.
func releaseSettings(_ flags: [String] = []) -> [SwiftSetting] {
  [.unsafeFlags(["-Xfrontend", "-function-sections"] + flags, .when(configuration: .release))]
}

let package = Package(
  name: "lmctl",
  products: [.executable(name: "lmctl", targets: ["lmctl"])],
  targets: [
    .target(
      name: "LanguageModels", dependencies: ["Threads"], exclude: ["README.md"],
      swiftSettings: librarySettings()),
    .target(
      name: "NGramModels", dependencies: ["LanguageModels", "Threads"], exclude: ["README.md"],
      swiftSettings: librarySettings()),
    .target(
      name: "NeuralModels", dependencies: ["LanguageModels", "Tensors", "Kernels", "Threads"],
      exclude: ["README.md"], swiftSettings: librarySettings()),
    // What draws works for milliseconds, as the command line does.
    .target(
      name: "Charts", dependencies: ["LanguageModels"], exclude: ["README.md"],
      swiftSettings: releaseSettings(["-Osize"])),
    .executableTarget(
      name: "lmctl",
      dependencies: ["LanguageModels", "NGramModels", "NeuralModels", "Charts", "Threads", "ProcessSupport"],
      exclude: ["README.md"],
      // The command line works for milliseconds; what it is made of should take little room.
      swiftSettings: releaseSettings(["-Osize"]),
      // Without debug information and symbols, a static binary is less than half as large. Profiles name functions if it is built with
      // LMCTL_SYMBOLS=1 in the environment.
      linkerSettings: [
        .unsafeFlags(
          [
            "-Xlinker", Context.environment["LMCTL_SYMBOLS"] == nil ? "-s" : "-S", "-Xlinker",
            "--no-export-dynamic",
          ],
          .when(platforms: [.linux], configuration: .release))
      ]),

    .target(name: "ProcessSupport", exclude: ["README.md"]),
    .target(name: "CPUDetection", exclude: ["README.md"]),
    .target(
      name: "Threads", dependencies: ["CPUDetection"], exclude: ["README.md"],
      swiftSettings: librarySettings()),
    .target(name: "KernelTemplates", dependencies: ["CPUDetection"], swiftSettings: kernelSettings()),
    .target(name: "KernelsBaseline", dependencies: ["KernelTemplates"], swiftSettings: kernelSettings()),
    .target(
      name: "KernelsAVX2", dependencies: ["KernelTemplates"],
      swiftSettings: kernelSettings(["-Xcc", "-march=x86-64-v3"])),
    .target(
      name: "KernelsAVX512", dependencies: ["KernelTemplates"],
      swiftSettings: kernelSettings(["-Xcc", "-march=x86-64-v4"])),
    .target(
      name: "Kernels",
      dependencies: [
        "CPUDetection", "KernelTemplates", "KernelsBaseline", "KernelsAVX2", "KernelsAVX512", "Threads",
      ],
      exclude: ["README.md"], swiftSettings: librarySettings()),
    .target(
      name: "Tensors", dependencies: ["Kernels", "Threads"], exclude: ["README.md"],
      swiftSettings: librarySettings()),

    .target(name: "TestSupport", dependencies: ["LanguageModels"], path: "Tests/TestSupport"),
    .testTarget(name: "LanguageModelsTests", dependencies: ["LanguageModels", "TestSupport"]),
    .testTarget(
      name: "NGramModelsTests", dependencies: ["NGramModels", "LanguageModels", "TestSupport"]),
    .testTarget(name: "ThreadsTests", dependencies: ["Threads"]),
    .testTarget(name: "KernelsTests", dependencies: ["Kernels", "Threads"]),
    .testTarget(name: "TensorsTests", dependencies: ["Tensors", "Threads"]),
    .testTarget(
      name: "NeuralModelsTests",
      dependencies: ["NeuralModels", "LanguageModels", "Tensors", "Kernels", "TestSupport"],
      exclude: ["Fixtures"]),
    .testTarget(
      name: "lmctlTests", dependencies: ["lmctl", "Charts", "LanguageModels", "TestSupport"],
      exclude: ["Fixtures"]),
  ],
  swiftLanguageModes: [.v6]
)
