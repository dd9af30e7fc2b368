import TestSupport

/// Made-up reviews, and how classifiers are trained on them.
enum Reviews {
  private static let words = [
    "good": ["fine", "bright", "warm", "lovely"], "bad": ["dull", "cold", "grim", "awful"],
    "odd": ["strange", "eerie", "weird", "queer"],
  ]
  private static let fillers = ["the", "a", "film", "story", "of", "and", "with", "scenes", "in", "it"]

  /// Texts of fillers, each with a word of its label in the middle.
  static func texts(_ count: Int, labels: [String], seed: UInt64) -> [(label: String, text: String)] {
    var state = seed
    func next(_ limit: Int) -> Int {
      state = state &* 6_364_136_223_846_793_005 &+ 1_442_695_040_888_963_407
      return Int(state >> 33) % limit
    }
    func some() -> [String] { (0..<2 + next(4)).map { _ in fillers[next(fillers.count)] } }
    return (0..<count).map { _ in
      let label = labels[next(labels.count)]
      return (label, (some() + [words[label]?[next(4)] ?? ""] + some()).joined(separator: " "))
    }
  }

  /// train.txt, test.txt in fastText's format; the same with tabs as train.tsv, test.tsv; texts alone as plain.txt.
  static func folder(labels: [String] = ["good", "bad", "odd"]) throws -> TemporaryFolder {
    let folder = try TemporaryFolder()
    for (name, count, seed) in [("train", 300, 3), ("test", 60, 4)] {
      let texts = texts(count, labels: labels, seed: UInt64(seed))
      try folder.write(
        "\(name).txt", text: texts.map { "__label__\($0.label) \($0.text)\n" }.joined())
      try folder.write("\(name).tsv", text: texts.map { "\($0.label)\t\($0.text)\n" }.joined())
      try folder.write("\(name).plain", text: texts.map { "\($0.text)\n" }.joined())
    }
    return folder
  }

  /// Trains in a moment.
  static let train = "lmctl train --task classify --threads 1 --embed 8 --lr 0.02 --dropout 0 -q"
}
