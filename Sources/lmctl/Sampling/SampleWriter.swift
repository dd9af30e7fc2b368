import LanguageModels

/// Writes the samples that a sampler draws, in the order in which they were begun.
final class SampleWriter {
  let settings: SampleSettings
  private let vocabulary: Vocabulary
  private let separator: Separator
  private let seed: UInt64
  var output: StandardOutput { .shared }
  /// The samples that have not been written, and the number of the first.
  private var open: [Sample] = []
  private var first = 0

  /// How many samples may wait for the first to become whole.
  private static let mostOpen = 10_000

  /// One sample.
  struct Sample {
    let prompt: SamplePrompt
    /// What is still to be shown: the prompt, unless it is hidden, and what was drawn.
    var text: [UInt8]
    /// What was drawn; the last of it if nobody asks for all.
    var tokens: [TokenID] = []
    /// ln p of what was drawn.
    var score = 0.0
    /// ln p by the length penalty, of one that was looked for.
    var penalizedScore: Double?
    var isWhole = false

    var isEnded: Bool { tokens.last == Vocabulary.endOfSentence }
  }

  init(_ settings: SampleSettings, vocabulary: Vocabulary, _ separator: Separator, seed: UInt64) {
    (self.settings, self.vocabulary, self.separator, self.seed) = (settings, vocabulary, separator, seed)
  }

  /// Writes samples for each prompt, each as soon as it and all before it are whole.
  func write<Model: LanguageModel>(_ model: Model, _ sampling: SamplingOptions, _ prompts: SamplePrompts)
    throws
  {
    let sampler = Sampler(model: model, options: sampling, seed: seed)
    var current: (prompt: SamplePrompt, state: Model.State, left: Int)?
    try sampler.run { mustDecide in
      while (current?.left ?? 0) == 0 {
        if prompts.wouldBlock() {
          // Whoever waits for the answer to a prompt gets it before he is asked for another.
          if !mustDecide { return .later }
          try output.flush()
        }
        guard let prompt = try prompts.next() else { return .none }
        // Samples that are alternatives begin with the same state.
        current =
          settings.count == 0 ? nil : (prompt, state(of: model, after: prompt, sampling), settings.count)
      }
      guard let (prompt, state, left) = current, open.count < Self.mostOpen else { return .later }
      current = (prompt, state, left - 1)
      open.append(Sample(prompt: prompt, text: settings.hidesPrompt ? [] : prompt.text))
      return .begin(state)
    } emit: { sampled in
      try add(sampled)
    }
  }

  func state<Model: LanguageModel>(
    of model: Model, after prompt: SamplePrompt, _ sampling: SamplingOptions
  ) -> Model.State {
    prompt.tokens.reduce(model.initialState) { state, token in
      sampling.restarts(after: token) ? model.initialState : model.advance(state, by: token)
    }
  }

  private func add(_ sampled: SampledToken) throws {
    let index = sampled.sample - first
    append(sampled.token, to: &open[index].text)
    open[index].score += Double(sampled.logProbability)
    if !settings.asJSON { open[index].tokens.removeAll(keepingCapacity: true) }
    open[index].tokens.append(sampled.token)
    open[index].isWhole = sampled.isLast
    guard index == 0 else { return }
    // What stands before the text waits for all of it; without that, a long one need not.
    if !settings.asJSON, !settings.showsScore, sampled.token == Vocabulary.endOfSentence {
      try output.writeBytes(open[0].text)
      try output.endLine()
      open[0].text.removeAll(keepingCapacity: true)
    }
    let whole = open.prefix { $0.isWhole }.count
    for sample in open[..<whole] { try write(sample) }
    first += whole
    open.removeFirst(whole)
  }

  func append(_ token: TokenID, to text: inout [UInt8]) {
    let isFirst = text.last.map { $0 == UInt8(ascii: "\n") } ?? true
    vocabulary.append(token, to: &text, isFirst: isFirst, separator: separator)
  }

  func write(_ sample: Sample) throws {
    if sample.score == -.infinity {
      Terminal.warn("nothing has a probability after what was written; the sentence ends there")
    }
    if settings.asJSON {
      let text = sample.isEnded ? sample.text.dropLast() : sample.text[...]
      let object: JSONValue = [
        "text": .string(String(decoding: text, as: UTF8.self)),
        "tokens": .array(sample.tokens.map { .string(vocabulary[$0]) }),
        "log_probability": .number(sample.score), "ended": .bool(sample.isEnded),
        "prompt": .string(String(decoding: sample.prompt.text, as: UTF8.self)),
        sample.penalizedScore == nil ? "seed" : "score":
          sample.penalizedScore.map { .number($0) } ?? .integer(Int(seed)),
      ]
      output.write(object.text + "\n")
    } else {
      if settings.showsScore { output.write("\(Format.significant(sample.score, 9))\t") }
      try output.writeBytes(sample.text)
      if !sample.isEnded { output.write("\n") }
    }
    try output.endLine()
  }
}
