import LanguageModels

/// The labels of the sentences of a text, in two parts.
struct SentenceLabels {
  private(set) var training: [[String]] = []
  private(set) var heldOut: [[String]] = []

  /// Those of all sentences, of which some, by number, are held out.
  init(_ all: [[String]], heldOut numbers: [Int]?) {
    var next = 0
    for (i, labels) in all.enumerated() {
      if let numbers, next < numbers.count, numbers[next] == i {
        heldOut.append(labels)
        next += 1
      } else {
        training.append(labels)
      }
    }
  }

  /// The names of the labels to train on, the most frequent first.
  var names: [String] {
    var counts: [String: Int] = [:]
    for labels in training { for label in labels { counts[label, default: 0] += 1 } }
    return counts.sorted { $0.value != $1.value ? $0.value > $1.value : $0.key < $1.key }.map(\.key)
  }
}
