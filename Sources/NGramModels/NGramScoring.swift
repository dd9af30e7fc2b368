import Dispatch
import LanguageModels

extension NGramModel {
  /// Tokens from which on it pays to make an index, and to use all cores.
  private static let manyTokens = 1 << 14

  /// Appends ln p of each token; long texts by way of an index, and on all cores where the sentences are independent of each other.
  public func score(
    _ tokens: ArraySlice<TokenID>, context: ContextMode, after state: inout State, into output: inout [Float]
  ) {
    guard tokens.count >= Self.manyTokens, isNormalized else {
      for token in tokens {
        let (logProbability, next) = logProbability(of: token, after: state)
        output.append(logProbability)
        state = context == .sentence && token == Vocabulary.endOfSentence ? initialState : next
      }
      return
    }
    let cuts = context == .sentence ? Self.cuts(of: tokens) : [tokens.startIndex, tokens.endIndex]
    var states = [State](repeating: initialState, count: cuts.count - 1)
    states[0] = state
    let index = childIndex.value(for: trie)
    let scores = [Float](unsafeUninitializedCapacity: tokens.count) { scores, initialized in
      states.withUnsafeMutableBufferPointer { states in
        nonisolated(unsafe) let (scores, states) = (scores, states)
        DispatchQueue.concurrentPerform(iterations: cuts.count - 1) { piece in
          tokens.withUnsafeBufferPointer { all in
            let range = cuts[piece] - tokens.startIndex..<cuts[piece + 1] - tokens.startIndex
            score(
              UnsafeBufferPointer(rebasing: all[range]), context, &states[piece], index,
              into: UnsafeMutableBufferPointer(rebasing: scores[range]))
          }
        }
      }
      initialized = tokens.count
    }
    output += scores
    state = states[states.count - 1]
  }

  /// Where to cut a text between sentences into pieces of some thousand tokens.
  private static func cuts(of tokens: ArraySlice<TokenID>) -> [Int] {
    var cuts = [tokens.startIndex]
    for (i, token) in zip(tokens.indices, tokens)
    where token == Vocabulary.endOfSentence && i + 1 - cuts[cuts.count - 1] >= manyTokens / 2 {
      cuts.append(i + 1)
    }
    if cuts[cuts.count - 1] != tokens.endIndex { cuts.append(tokens.endIndex) }
    return cuts
  }

  /// The same walk as `look(up:after:)`, on pointers.
  private func score(
    _ tokens: UnsafeBufferPointer<TokenID>, _ context: ContextMode, _ state: inout State, _ index: ChildIndex,
    into output: UnsafeMutableBufferPointer<Float>
  ) {
    let start = initialState
    let maximumOrder = trie.order
    let restarts = context == .sentence
    index.withView { index in
      trie.words.withUnsafeBufferPointer { words in
        trie.suffixes.withUnsafeBufferPointer { suffixes in
          trie.firstChildren.withUnsafeBufferPointer { firstChildren in
            trie.logProbabilities.withUnsafeBufferPointer { logProbabilities in
              trie.logBackoffs.withUnsafeBufferPointer { logBackoffs in
                var (node, order) = (Int(state.node), Int(state.order))
                for (i, token) in zip(tokens.indices, tokens) {
                  var weight: Float = 0
                  var found = -1
                  while order > 0 {
                    let children = Int(firstChildren[node])..<Int(firstChildren[node + 1])
                    found = index.child(of: node, word: token, children, words)
                    if found >= 0 { break }
                    weight += logBackoffs[node]
                    order -= 1
                    if order > 0 { node = Int(suffixes[node]) }
                  }
                  if found < 0 {
                    output[i] = weight + logProbabilities[Int(token)]
                    (node, order) = (Int(token), maximumOrder == 1 ? 0 : 1)
                  } else {
                    output[i] = weight + logProbabilities[found]
                    if order + 1 < maximumOrder {
                      (node, order) = (found, order + 1)
                    } else {
                      node = Int(suffixes[found])
                    }
                  }
                  if restarts, token == Vocabulary.endOfSentence {
                    (node, order) = (Int(start.node), Int(start.order))
                  }
                }
                state = State(node: UInt32(node), order: UInt8(order))
              }
            }
          }
        }
      }
    }
  }
}
