import Dispatch
import LanguageModels

extension NGramModel {
  /// Tokens from which on it pays to use all cores.
  private static let manyTokens = 1 << 13

  public func prepare(toScore tokens: Int) {
    if tokens >= Self.manyTokens, isNormalized, trie.order > 1 {
      queryTable.prepare(for: trie, scoring: tokens)
    }
  }

  /// Appends ln p of each token; long texts by way of a table, and on all cores where the sentences are independent of each other.
  public func score(
    _ tokens: ArraySlice<TokenID>, context: ContextMode, after state: inout State, into output: inout [Float]
  ) {
    guard tokens.count >= Self.manyTokens, isNormalized, trie.order > 1 else {
      return score(tokens, context, &state) { output.append($0) }
    }
    let table = queryTable.value(for: trie, scoring: tokens.count)
    let start = context == .sentence ? initialState.node : nil
    let last = tokens.withUnsafeBufferPointer { tokens in
      let cuts =
        start == nil
        ? [0, tokens.count] : sentenceCuts(of: tokens, pieces: max(1, tokens.count / Self.manyTokens))
      var nodes = [UInt32](repeating: initialState.node, count: cuts.count - 1)
      nodes[0] = state.node
      output += [Float](unsafeUninitializedCapacity: tokens.count) { scores, initialized in
        nodes.withUnsafeMutableBufferPointer { nodes in
          nonisolated(unsafe) let (scores, nodes, tokens) = (scores, nodes, tokens)
          DispatchQueue.concurrentPerform(iterations: nodes.count) { piece in
            let range = cuts[piece]..<cuts[piece + 1]
            nodes[piece] = score(
              UnsafeBufferPointer(rebasing: tokens[range]), after: nodes[piece], start: start, table,
              into: UnsafeMutableBufferPointer(rebasing: scores[range]))
          }
        }
        initialized = tokens.count
      }
      return nodes[nodes.count - 1]
    }
    state = State(node: last, order: UInt8(trie.level(of: Int(last))))
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
