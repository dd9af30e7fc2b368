import Kernels
import LanguageModels
import Tensors

/// Two layers that read each row in opposite directions (Schuster and Paliwal 1997; PyTorch's `bidirectional=True`), side by side:
///
///     y_t = (forward_t, backward_t)
///
/// with O = 2H if both have H units. The backward direction reads a row from its own end, step `lengths[row]` − 1, to its beginning, so that rows
/// of different lengths do not see what is behind their ends. Deep stacks are stacks of these, or have stacks in each direction.
///
/// A sequence is a whole text: what the backward direction knows comes from behind, so nothing runs on into the next sequence.
/// The states, those of the forward direction first, are what each begins with (PyTorch's `h0`) and, afterwards, ends with; whoever begins with new texts
/// resets them. Rows that begin anew in the middle have two texts in one sequence, which are to be two rows; they are refused.
///
/// The buffers and parameters of a direction have names that begin with `forward` or `backward`.
final class Bidirectional: SequenceLayer {
  let parts: [any SequenceLayer]
  private let outputs: AlignedBuffer
  /// x of the backward direction, and ∂L/∂ of it: [T·B × I], each row from its end.
  private let reversedInputs: AlignedBuffer
  private let reversedInputGradients: AlignedBuffer
  /// ∂L/∂y of one direction after the other.
  private let gradients: AlignedBuffer
  private let engine: Engine

  /// Two layers of one shape, which `makeDirection` makes.
  init(_ declarations: Declarations, _ makeDirection: (Declarations) -> any SequenceLayer) {
    parts = ["forward", "backward"].map { makeDirection(declarations.of($0)) }
    engine = declarations.engine
    let (input, output) = (parts[0].inputSize, parts[0].outputSize)
    precondition(
      parts[1].inputSize == input && parts[1].outputSize == output, "both directions are of one shape")
    outputs = declarations.buffer("output", .positions(2 * output))
    reversedInputs = declarations.buffer("reversed_input", .positions(input))
    reversedInputGradients = declarations.buffer("reversed_input_gradient", .positions(input))
    gradients = declarations.buffer("gradient", .positions(output))
  }

  var inputSize: Int { parts[0].inputSize }
  var outputSize: Int { 2 * parts[0].outputSize }
  /// The columns of y of each direction.
  private var columns: [Range<Int>] {
    [0..<parts[0].outputSize, parts[0].outputSize..<outputSize]
  }

  func forward(_ x: MatrixView, _ pass: Pass) -> MatrixView {
    precondition(!pass.restarts.contains(true), "a bidirectional layer reads whole rows")
    let y = outputs.matrix(x.rows, outputSize)
    let reversed = reversedInputs.matrix(x.rows, inputSize)
    engine.move(parts[0].forward(x, pass), into: y.columns(columns[0]))
    engine.reverse(x, into: reversed, pass)
    engine.reverse(parts[1].forward(reversed, pass), into: y.columns(columns[1]), pass)
    return y
  }

  func backward(_ gradient: MatrixView, into inputGradient: MatrixView, adding: Bool, _ pass: Pass) {
    let inner = gradients.matrix(gradient.rows, parts[0].outputSize)
    engine.move(gradient.columns(columns[0]), into: inner)
    parts[0].backward(inner, into: inputGradient, adding: adding, pass)
    let reversed = reversedInputGradients.matrix(gradient.rows, inputSize)
    engine.reverse(gradient.columns(columns[1]), into: inner, pass)
    parts[1].backward(inner, into: reversed, adding: false, pass)
    engine.reverse(reversed, into: inputGradient, adding: true, pass)
  }
}

extension Engine {
  /// Step t of each row of x to step `length` − 1 − t of it, and what is behind the row's end to where it was: done twice, it is undone. y
  /// is overwritten, or added to if `adding`.
  func reverse(_ x: MatrixView, into y: MatrixView, adding: Bool = false, _ pass: Pass) {
    split(x.rows) { positions in
      for i in positions {
        let (t, row) = (i / pass.rows, i % pass.rows)
        let length = pass.lengths.isEmpty ? pass.steps : pass.lengths[row]
        let target = y.row((t < length ? length - 1 - t : t) * pass.rows + row)
        if adding {
          kernels.addScaled(x.columns, 1, x.row(i), target)
        } else {
          target.update(from: x.row(i), count: x.columns)
        }
      }
    }
  }
}
