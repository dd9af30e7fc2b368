import LanguageModels
import Tensors
import TestSupport

@testable import NeuralModels

/// A translator in textbook form, one scalar at a time, with the parameters of a network.
struct OracleTranslator {
  let oracle: Oracle
  let configuration: TranslatorConfiguration
  /// How many numbers each layer of the encoder and of the decoder remembers.
  let encoderSizes, decoderSizes: [Int]

  init(_ network: TranslationNetwork, _ configuration: TranslatorConfiguration) {
    oracle = Oracle(network.arena)
    self.configuration = configuration
    encoderSizes = network.encoder.layers.parts.map(\.stateSize).filter { $0 > 0 }
    decoderSizes = network.decoder.layers.parts.map(\.stateSize).filter { $0 > 0 }
  }

  private var tape: Tape { oracle.tape }
  private var kind: NeuralKind { configuration.network.kind }

  /// Σ −ln p(target | source).
  func loss(_ pairs: [SentencePair]) -> Scalar { tape.sum(pairs.map(loss)) }

  /// One step of a layer, of which the first of a QRNN sees the input before, too.
  private func step(_ layer: String, isFirst: Bool, _ x: [Scalar], _ state: [Scalar]) -> (
    y: [Scalar], state: [Scalar]
  ) {
    guard kind == .qrnn, isFirst else { return oracle.step(kind, layer: layer, x, state) }
    let before = Array(state[..<x.count])
    let next = oracle.step(kind, layer: layer, x + before, Array(state[x.count...]))
    return (next.y, x + next.state)
  }

  private func loss(_ pair: SentencePair) -> Scalar {
    let (e, states) = encode(pair.source + [Vocabulary.endOfSentence])
    var state = zip(states, decoderSizes).enumerated().map { l, layer -> [Scalar] in
      let (s, size) = layer
      if s.count == size { return s }
      return dense("bridge.layer\(l + 1)", s).map(\.hyperbolicTangent)
    }
    var losses: [Scalar] = []
    var f = oracle.zeros(configuration.network.outputSize)
    let embeddings = oracle[configuration.sharesVocabulary ? "embedding" : "decoder.embedding"].rows
    let targets = pair.target + [Vocabulary.endOfSentence]
    for (input, target) in zip([Vocabulary.endOfSentence] + pair.target, targets) {
      var x = embeddings[Int(input)] + (configuration.feedsInput ? f : [])
      for l in state.indices {
        let next = step("decoder.layer\(l + 1)", isFirst: l == 0, x, state[l])
        (x, state[l]) = (next.y, next.state)
      }
      f = attend(x, e)
      let logits = self.logits(f)
      losses.append(tape.sum(logits.map(\.exponential)).logarithm - logits[Int(target)])
    }
    return tape.sum(losses)
  }

  private func logits(_ f: [Scalar]) -> [Scalar] {
    let bias = oracle["output.bias"].rows[0]
    if configuration.network.tiesEmbeddings {
      let rows = oracle[configuration.sharesVocabulary ? "embedding" : "decoder.embedding"].rows
      return bias.indices.map { tape.dot(f, rows[$0]) + bias[$0] }
    }
    return dense("output", f)
  }

  /// x W + b
  private func dense(_ name: String, _ x: [Scalar]) -> [Scalar] {
    let (w, b) = (oracle["\(name).weights"], oracle["\(name).bias"].rows[0])
    return b.indices.map { tape.dot(x, w.columns[$0]) + b[$0] }
  }

  /// What the encoder gives at each step, and what each layer remembers in the end.
  private func encode(_ source: [TokenID]) -> (e: [[Scalar]], states: [[Scalar]]) {
    let embeddings = oracle[configuration.sharesVocabulary ? "embedding" : "encoder.embedding"].rows
    var x = source.map { embeddings[Int($0)] }
    var states: [[Scalar]] = []
    for (l, size) in encoderSizes.enumerated() {
      let name = "encoder.layer\(l + 1)"
      func run(_ layer: String, _ x: [[Scalar]], _ size: Int) -> [[Scalar]] {
        var state = oracle.zeros(size)
        let y = x.map { x in
          let next = step(layer, isFirst: l == 0, x, state)
          state = next.state
          return next.y
        }
        states.append(state)
        return y
      }
      if configuration.isBidirectional {
        let there = run("\(name).forward", x, size / 2)
        let back = Array(run("\(name).backward", x.reversed(), size / 2).reversed())
        x = zip(there, back).map { $0 + $1 }
        let last = states.removeLast()
        states[states.count - 1] += last
      } else {
        x = run(name, x, size)
      }
    }
    return (x, states)
  }

  private func attend(_ h: [Scalar], _ e: [[Scalar]]) -> [Scalar] {
    let name = "decoder.attention"
    let scores: [Scalar]
    switch configuration.attention {
    case .none: return h
    case .dot: scores = e.map { tape.dot(h, $0) }
    case .general:
      let w = oracle["\(name).key_weights"]
      scores = e.map { e in tape.dot(h, h.indices.map { tape.dot(e, w.columns[$0]) }) }
    case .additive:
      let (w, q) = (oracle["\(name).key_weights"], oracle["\(name).query_weights"])
      let (b, v) = (oracle["\(name).key_bias"].rows[0], oracle["\(name).vector"].rows[0])
      scores = e.map { e in
        let u = v.indices.map {
          (tape.dot(h, q.columns[$0]) + tape.dot(e, w.columns[$0]) + b[$0]).hyperbolicTangent
        }
        return tape.dot(u, v)
      }
    }
    let total = tape.sum(scores.map(\.exponential))
    let shares = scores.map { $0.exponential / total }
    let context = e[0].indices.map { j in tape.dot(shares, e.map { $0[j] }) }
    return dense("\(name).combination", h + context).map(\.hyperbolicTangent)
  }
}
