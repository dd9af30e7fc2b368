import LanguageModels

extension SampleWriter {
  /// Writes the likeliest sentences after each prompt, best first.
  ///
  /// - Parameter width: how many beginnings are followed.
  func writeLikeliest<Model: LanguageModel>(
    _ model: Model, _ sampling: SamplingOptions, beam width: Int, _ prompts: SamplePrompts
  ) throws {
    var search = BeamSearch(width: width, count: max(1, settings.count))
    search.maximumTokens = sampling.maximumTokens
    search.penalty = settings.penalty
    search.includesUnknown = sampling.drawsUnknown
    while true {
      if prompts.wouldBlock() { try output.flush() }
      guard let prompt = try prompts.next() else { return }
      if settings.count == 0 { continue }
      let state = state(of: model, after: prompt, sampling)
      for hypothesis in model.likeliestContinuations(after: state, search) {
        var sample = Sample(prompt: prompt, text: settings.hidesPrompt ? [] : prompt.text)
        for token in hypothesis.tokens { append(token, to: &sample.text) }
        sample.tokens = hypothesis.tokens
        (sample.score, sample.penalizedScore) = (hypothesis.logProbability, hypothesis.score)
        try write(sample)
      }
    }
  }
}
