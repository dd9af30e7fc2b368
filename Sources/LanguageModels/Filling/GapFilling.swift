import Glibc

/// Filling gaps by a model that reads from left to right: by ln p of whole sentences.
extension LanguageModel {
  /// The likeliest fillings of a sentence, which begins anew.
  ///
  ///     p(filling) = p(sentence with the filling) / Σ p(sentence with each filling that was compared)
  ///
  /// A model whose tokens depend on few tokens before them (`contextLength`) tries the whole vocabulary in every gap; others the likeliest
  /// tokens after what stands before it. Of what stands behind a gap, p is that of the next 200 tokens. With several gaps, the likeliest fillings of the gaps so far, by the sentence up to the next
  /// gap, go on to it.
  public func fill(_ sentence: GappedSentence, _ search: GapSearch) -> GapFillings {
    var beginnings = [
      GapBeginning(filling: GapFilling(), state: state(after: sentence.parts[0], initialState))
    ]
    var isComplete = true
    for (number, gap) in sentence.gaps.enumerated() {
      let isLast = number == sentence.gaps.count - 1
      let tail = sentence.parts[number + 1] + (isLast ? [Vocabulary.endOfSentence] : [])
      // What lies further back than the model looks is the same for all.
      let scored = Array(tail.prefix(min(contextLength ?? lookAhead, lookAhead)))
      var tried = beginnings.indices.flatMap { trials(of: gap, after: beginnings, $0, search, &isComplete) }
      score(&tried, scored, beginnings)
      let fillings = tried.map { trial in
        beginnings[trial.beginning].filling.adding(
          trial.tokens, choice: trial.choice, logProbability: trial.logProbability)
      }
      let order = fillings.indices.sorted { fillings[$0].precedes(fillings[$1]) }
      if isLast { return GapFillings(order.map { fillings[$0] }, search.count, isComplete) }
      if order.count > search.width { isComplete = false }
      beginnings = order.prefix(search.width).map { i in
        let before = beginnings[tried[i].beginning].state
        return GapBeginning(filling: fillings[i], state: state(after: tried[i].tokens + tail, before))
      }
    }
    return GapFillings(best: [], compared: 0, isComplete: true)
  }

  private func state(after tokens: [TokenID], _ before: State) -> State {
    var state = before
    var scores: [Float] = []
    score(tokens[...], context: .sentence, after: &state, into: &scores)
    return state
  }

  /// What is tried in a gap after a beginning.
  private func trials(
    of gap: GappedSentence.Gap, after beginnings: [GapBeginning<State>], _ index: Int, _ search: GapSearch,
    _ isComplete: inout Bool
  ) -> [GapTrial] {
    let before = beginnings[index].filling.logProbability
    if case .choices(let choices) = gap {
      return choices.enumerated().map {
        GapTrial(beginning: index, tokens: $1, choice: $0, logProbability: before, isScored: false)
      }
    }
    var x: [Float] = []
    logProbabilities(after: beginnings[index].state, into: &x)
    if contextLength == nil, search.candidates < x.count { isComplete = false }
    let count = contextLength == nil ? search.candidates : x.count
    let likeliest = x.withUnsafeMutableBufferPointer {
      TokenDraw(SamplingOptions()).likeliest(
        count, of: $0, areLogits: false, .scalar, where: { search.allows($0) })
    }
    return likeliest.map {
      GapTrial(
        beginning: index, tokens: [$0.token], choice: nil, logProbability: before + Double($0.logProbability),
        isScored: true)
    }
  }

  /// Adds ln p of the tokens that are tried, unless it is known, and of what stands behind them.
  private func score(_ trials: inout [GapTrial], _ tail: [TokenID], _ beginnings: [GapBeginning<State>]) {
    if contextLength == nil {
      for first in stride(from: 0, to: trials.count, by: trialsAtOnce) {
        scoreSideBySide(&trials[first..<min(first + trialsAtOnce, trials.count)], tail, beginnings)
      }
      return
    }
    var scores: [Float] = []
    for i in trials.indices {
      var state = beginnings[trials[i].beginning].state
      scores.removeAll(keepingCapacity: true)
      score((trials[i].tokens + tail)[...], context: .sentence, after: &state, into: &scores)
      // The first of them is known.
      let new = trials[i].isScored ? scores.dropFirst() : scores[...]
      trials[i].logProbability += new.reduce(0) { $0 + Double($1) }
    }
  }

  /// The same in rows, step by step.
  private func scoreSideBySide(
    _ trials: inout ArraySlice<GapTrial>, _ tail: [TokenID], _ beginnings: [GapBeginning<State>]
  ) {
    let rows = makeStateRows(capacity: trials.count)
    for trial in trials { rows.append(beginnings[trial.beginning].state) }
    // What is known is read at once: it is one token of every row.
    if trials.first?.isScored == true { rows.advance(by: trials.map { $0.tokens[0] }) }
    let texts = trials.map { ($0.isScored ? [] : $0.tokens) + tail }
    var sums = trials.map(\.logProbability)
    for step in 0..<(texts.map(\.count).max() ?? 0) {
      let tokens = texts.map { step < $0.count ? $0[step] : Vocabulary.endOfSentence }
      let scores = rows.logProbabilities(of: tokens)
      for row in texts.indices where step < texts[row].count { sums[row] += scores[row] }
      rows.advance(by: tokens)
    }
    for (row, i) in trials.indices.enumerated() { trials[i].logProbability = sums[row] }
  }
}

/// The tokens behind a gap that tell which filling is the likelier.
private let lookAhead = 200

/// Trials that are scored side by side.
private let trialsAtOnce = 64

/// A sentence up to a gap, with what stands in the gaps before it.
struct GapBeginning<State: Sendable>: Sendable {
  let filling: GapFilling
  let state: State
}

/// What is tried in a gap.
private struct GapTrial {
  let beginning: Int
  let tokens: [TokenID]
  let choice: Int?
  /// ln p of what is known so far.
  var logProbability: Double
  /// Whether that of the tokens is, of which there is then one.
  let isScored: Bool
}

extension GapFillings {
  /// The best of some fillings, which come in falling order, with their shares in all of them.
  fileprivate init(_ all: [GapFilling], _ count: Int, _ isComplete: Bool) {
    let largest = all.first?.logProbability ?? 0
    let sum = largest == -.infinity ? 1 : all.reduce(0) { $0 + exp($1.logProbability - largest) }
    let best = all.prefix(count).map { filling in
      var filling = filling
      filling.logProbability -= largest == -.infinity ? 0 : largest + log(sum)
      return filling
    }
    self.init(best: best, compared: all.count, isComplete: isComplete)
  }
}
