// swift-tools-version: 6.0
import PackageDescription

let package = Package(
  name: "lmctl",
  products: [.executable(name: "lmctl", targets: ["lmctl"])],
  targets: [
    .target(name: "LanguageModels"),
    .target(name: "NGramModels", dependencies: ["LanguageModels"]),
    .executableTarget(name: "lmctl", dependencies: ["LanguageModels", "NGramModels"]),

    .target(name: "TestSupport", dependencies: ["LanguageModels"], path: "Tests/TestSupport"),
    .testTarget(name: "LanguageModelsTests", dependencies: ["LanguageModels", "TestSupport"]),
    .testTarget(
      name: "NGramModelsTests", dependencies: ["NGramModels", "LanguageModels", "TestSupport"]),
    .testTarget(name: "lmctlTests", dependencies: ["lmctl", "TestSupport"]),
  ],
  swiftLanguageModes: [.v6]
)
