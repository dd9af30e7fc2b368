import LanguageModels

/// Writes the samples that a sampler draws.
struct SampleWriter {
  let settings: SampleSettings
  let context: ContextMode
  let separator: Separator
  let seed: UInt64
  private var output: StandardOutput { .shared }

  /// One sample.
  private struct Sample {
    /// What is still to be shown: the prompt, unless it is hidden, and what was drawn.
    var text: [UInt8]
    /// What was drawn; the last of it if nobody asks for all.
    var tokens: [TokenID] = []
    /// ln p of what was drawn.
    var score = 0.0

    var isEnded: Bool { tokens.last == Vocabulary.endOfSentence }
  }

  /// Writes samples for each prompt, each as soon as it is whole.
  func write(_ model: some LanguageModel, _ nextPrompt: () throws -> SamplePrompt?) throws {
    var sampler = Sampler(model: model, options: settings.sampling, seed: seed)
    var state = model.initialState
    while let prompt = try nextPrompt() {
      for _ in 0..<settings.count {
        // Samples that follow a text are alternatives, so that none goes on from another.
        if context == .sentence || settings.wholePromptPath != nil { state = model.initialState }
        for token in prompt.tokens {
          let isRestart = context == .sentence && token == Vocabulary.endOfSentence
          state = isRestart ? model.initialState : model.advance(state, by: token)
        }
        let sample = try draw(model.vocabulary, &sampler, &state, after: prompt)
        if sample.score == -.infinity {
          Terminal.warn("nothing has a probability after what was written; the sentence ends there")
        }
        try write(sample, of: prompt, model.vocabulary)
      }
    }
  }

  private func draw<Model: LanguageModel>(
    _ vocabulary: Vocabulary, _ sampler: inout Sampler<Model>, _ state: inout Model.State,
    after prompt: SamplePrompt
  ) throws -> Sample {
    var sample = Sample(text: settings.hidesPrompt ? [] : prompt.text)
    func add(_ token: TokenID, _ logProbability: Float) throws {
      let isFirst = sample.text.last.map { $0 == UInt8(ascii: "\n") } ?? true
      vocabulary.append(token, to: &sample.text, isFirst: isFirst, separator: separator)
      sample.score += Double(logProbability)
      if !settings.asJSON { sample.tokens.removeAll(keepingCapacity: true) }
      sample.tokens.append(token)
      // What stands before the text waits for all of it; without that, a long one need not.
      if !settings.asJSON, !settings.showsScore, token == Vocabulary.endOfSentence {
        try output.writeBytes(sample.text)
        try output.endLine()
        sample.text.removeAll(keepingCapacity: true)
      }
    }
    if let length = settings.length {
      try sampler.stretch(of: length, context: context, after: &state, emit: add)
    } else {
      try sampler.sentence(after: &state, emit: add)
    }
    return sample
  }

  private func write(_ sample: Sample, of prompt: SamplePrompt, _ vocabulary: Vocabulary) throws {
    if settings.asJSON {
      let text = sample.isEnded ? sample.text.dropLast() : sample.text[...]
      let object: JSONValue = [
        "text": .string(String(decoding: text, as: UTF8.self)),
        "tokens": .array(sample.tokens.map { .string(vocabulary[$0]) }),
        "log_probability": .number(sample.score), "ended": .bool(sample.isEnded),
        "prompt": .string(String(decoding: prompt.text, as: UTF8.self)), "seed": .integer(Int(seed)),
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
