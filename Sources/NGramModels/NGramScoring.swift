import LanguageModels
import Threads

extension NGramModel {
  /// Tokens from which on it pays to use all cores.
  private static let manyTokens = 1 << 13

  public func prepare(toScore tokens: Int) {
    if tokens >= Self.manyTokens, scoresByNodes {
      queryTable.prepare(for: trie, scoring: tokens)
    }
  }

  /// Appends ln p of each token; long texts by way of a table, and on all cores where the sentences are independent of each other.
  public func score(
    _ tokens: ArraySlice<TokenID>, context: ContextMode, after state: inout State, into output: inout [Float]
  ) {
    guard tokens.count >= Self.manyTokens, scoresByNodes else {
      return score(tokens, context, &state) { output.append($0) }
    }
    let table = queryTable.value(for: trie, scoring: tokens.count)
    output += [Float](unsafeUninitializedCapacity: tokens.count) { scores, initialized in
      nonisolated(unsafe) let scores = scores
      state = inPieces(tokens, context, after: state) { piece, range, node, start in
        score(
          piece, after: node, start: start, table,
          into: UnsafeMutableBufferPointer(rebasing: scores[range]))
      }
      initialized = tokens.count
    }
  }

  /// Appends ln Σ_w p(w | h) of the context of each token, which is known for all contexts of the model at once.
  public func logNormalizers(
    of tokens: ArraySlice<TokenID>, context: ContextMode, after state: State, into output: inout [Float]
  ) {
    if sumsToOne {
      output += repeatElement(0, count: tokens.count)
      return
    }
    guard tokens.count >= Self.manyTokens, scoresByNodes else {
      var state = state
      for token in tokens {
        output.append(logNormalizer(after: state))
        let isEnd = context == .sentence && token == Vocabulary.endOfSentence
        state = isEnd ? initialState : advance(state, by: token)
      }
      return
    }
    let totals = contextTotals.value(for: trie).logContexts
    let table = queryTable.value(for: trie, scoring: 0)
    output += [Float](unsafeUninitializedCapacity: tokens.count) { sums, initialized in
      nonisolated(unsafe) let sums = sums
      _ = inPieces(tokens, context, after: state) { piece, range, node, start in
        logNormalizers(
          piece, after: node, start: start, table, totals,
          into: UnsafeMutableBufferPointer(rebasing: sums[range]))
      }
      initialized = tokens.count
    }
  }

  /// Cuts a text where sentences end, if these are independent of each other, and lets `body` do the pieces on all cores.
  ///
  /// - Parameter body: is given a piece, where it lies in `tokens`, the node that its first token is looked up under, and that of the first
  ///   of each sentence, if the context restarts there; returns the node that the token behind it is looked up under.
  /// - Returns: the state behind the last token.
  private func inPieces(
    _ tokens: ArraySlice<TokenID>, _ context: ContextMode, after state: State,
    _ body: @Sendable (UnsafeBufferPointer<TokenID>, Range<Int>, UInt32, UInt32?) -> UInt32
  ) -> State {
    let start = context == .sentence ? initialState.node : nil
    let last = tokens.withUnsafeBufferPointer { tokens in
      let cuts =
        start == nil
        ? [0, tokens.count] : sentenceCuts(of: tokens, pieces: max(1, tokens.count / Self.manyTokens))
      var nodes = [UInt32](repeating: initialState.node, count: cuts.count - 1)
      nodes[0] = state.node
      nodes.withUnsafeMutableBufferPointer { nodes in
        nonisolated(unsafe) let (nodes, tokens) = (nodes, tokens)
        Threads.perform(nodes.count) { piece in
          let range = cuts[piece]..<cuts[piece + 1]
          nodes[piece] = body(UnsafeBufferPointer(rebasing: tokens[range]), range, nodes[piece], start)
        }
      }
      return nodes[nodes.count - 1]
    }
    return State(node: last, order: UInt8(trie.level(of: Int(last))))
  }

  /// Writes ln p of each token, and returns the node that the next is looked up under.
  private func score(
    _ tokens: UnsafeBufferPointer<TokenID>, after node: UInt32, start: UInt32?, _ table: QueryTable?,
    into output: UnsafeMutableBufferPointer<Float>
  ) -> UInt32 {
    if let table { return table.score(tokens, after: node, start: start, into: output) }
    var state = State(node: node, order: UInt8(trie.level(of: Int(node))))
    var position = 0
    score(tokens, start == nil ? .stream : .sentence, &state) {
      output[position] = $0
      position += 1
    }
    return state.node
  }

  /// Writes ln Σ_w p(w | h) of the context of each token, and returns the node of the last context.
  private func logNormalizers(
    _ tokens: UnsafeBufferPointer<TokenID>, after node: UInt32, start: UInt32?, _ table: QueryTable?,
    _ totals: [Float], into output: UnsafeMutableBufferPointer<Float>
  ) -> UInt32 {
    if let table { return table.score(tokens, after: node, start: start, totals: totals, into: output) }
    var state = State(node: node, order: UInt8(trie.level(of: Int(node))))
    for (position, token) in tokens.enumerated() {
      output[position] = totals[Int(state.node)]
      let isEnd = start != nil && token == Vocabulary.endOfSentence
      state = isEnd ? initialState : advance(state, by: token)
    }
    return state.node
  }

  /// Token by token.
  @inline(__always)
  private func score(
    _ tokens: some Sequence<TokenID>, _ context: ContextMode, _ state: inout State, _ body: (Float) -> Void
  ) {
    for token in tokens {
      let (logProbability, next) = logProbability(of: token, after: state)
      body(logProbability)
      state = context == .sentence && token == Vocabulary.endOfSentence ? initialState : next
    }
  }
}
