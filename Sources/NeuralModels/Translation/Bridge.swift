import Kernels
import LanguageModels
import Tensors

/// What the decoder begins with: the state that the encoder ends with, layer by layer.
///
/// Where both are of one size it is that; else, as with an encoder of two directions, whose state is s = (forward, backward),
///
///     tanh(s W + b)
final class Bridge {
  /// A layer of the encoder and that of the decoder which goes on from it.
  private struct Span {
    let from, to: any SequenceLayer
    /// `nil` if the state stays as it is.
    let map: FeedForwardLayer?
    /// s and ∂L/∂s, [B × from], and ∂L/∂ of what the decoder begins with, [B × to].
    let states, stateGradients, gradients: AlignedBuffer
  }

  private let spans: [Span]

  init(from encoder: Stack, to decoder: Stack, _ declarations: Declarations) {
    let (sources, targets) = (
      encoder.parts.filter { $0.stateSize > 0 }, decoder.parts.filter { $0.stateSize > 0 }
    )
    precondition(sources.count == targets.count, "encoder and decoder have as many layers")
    spans = zip(sources, targets).enumerated().map { index, layers in
      let d = declarations.of("layer\(index + 1)")
      let (from, to) = layers
      return Span(
        from: from, to: to,
        map: from.stateSize == to.stateSize ? nil : FeedForwardLayer(from.stateSize, to.stateSize, d),
        states: d.buffer("state", .rows(from.stateSize)),
        stateGradients: d.buffer("state_gradient", .rows(from.stateSize)),
        gradients: d.buffer("gradient", .rows(to.stateSize)))
    }
  }

  func initialize(using generator: inout SeededGenerator) {
    for span in spans { span.map?.initialize(using: &generator) }
  }

  /// Gives the decoder, which has room for B rows, the states of the encoder's.
  func forward(rows: Int) {
    for span in spans {
      let s = span.states.matrix(rows, span.from.stateSize)
      for row in 0..<rows { s.row(row).update(from: span.from.state(row: row), count: s.columns) }
      let start = span.map?.forward(s, Pass(steps: 1, rows: rows)) ?? s
      for row in 0..<rows {
        span.to.setState(
          Array(UnsafeBufferPointer(start: start.row(row), count: start.columns))[...], row: row)
      }
    }
  }

  /// Gives the encoder's last states the gradients of the states that the decoder began with; adds those of the parameters to theirs.
  func backward(rows: Int) {
    for span in spans {
      let gradient = span.gradients.matrix(rows, span.to.stateSize)
      for row in 0..<rows {
        gradient.row(row).update(from: span.to.stateGradient(row: row), count: gradient.columns)
      }
      var result = gradient
      if let map = span.map {
        result = span.stateGradients.matrix(rows, span.from.stateSize)
        map.backward(gradient, into: result, adding: false, Pass(steps: 1, rows: rows))
      }
      for row in 0..<rows {
        span.from.setStateGradient(
          Array(UnsafeBufferPointer(start: result.row(row), count: result.columns))[...], row: row)
      }
    }
  }
}
