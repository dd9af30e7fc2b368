import Foundation

/// A tape for reverse-mode automatic differentiation of scalars in `Double`: the oracle that gradients derived by hand are
/// held against.
///
/// Every operation appends a node that knows its value and its derivative by each operand; operands come first, so that
/// one walk backwards over the tape has the derivatives of the last node by all others (Wengert 1964; Griewank and
/// Walther 2008, chapter 3).
public final class Tape {
  fileprivate private(set) var values: [Double] = []
  /// The operands of node i, and ∂node/∂operand, are at firstOperand[i] ..< firstOperand[i + 1].
  private var firstOperand = [0]
  private var operands: [Int] = []
  private var derivatives: [Double] = []

  /// An empty tape.
  public init() {}

  /// A node without operands.
  public func variable(_ value: Double) -> Scalar { node(value) }

  /// ∂result/∂x of every node x on the tape.
  public func gradients(of result: Scalar) -> Gradients {
    var adjoints = [Double](repeating: 0, count: values.count)
    adjoints[result.index] = 1
    for i in stride(from: result.index, through: 0, by: -1) where adjoints[i] != 0 {
      for edge in firstOperand[i]..<firstOperand[i + 1] {
        adjoints[operands[edge]] += adjoints[i] * derivatives[edge]
      }
    }
    return Gradients(adjoints: adjoints)
  }

  /// The derivatives of one node by all others.
  public struct Gradients {
    fileprivate let adjoints: [Double]

    /// The derivative by `x`.
    public subscript(x: Scalar) -> Double { adjoints[x.index] }
  }

  fileprivate func operand(_ x: Scalar, _ derivative: Double) {
    operands.append(x.index)
    derivatives.append(derivative)
  }

  /// A node of the operands given since the last one.
  fileprivate func node(_ value: Double) -> Scalar {
    values.append(value)
    firstOperand.append(operands.count)
    return Scalar(tape: self, index: values.count - 1)
  }

  /// Σ xᵢ yᵢ.
  public func dot(_ x: [Scalar], _ y: [Scalar]) -> Scalar {
    precondition(x.count == y.count, "a scalar product is of two vectors of one length")
    var sum = 0.0
    for i in 0..<x.count {
      let (a, b) = (x[i].value, y[i].value)
      sum += a * b
      operand(x[i], b)
      operand(y[i], a)
    }
    return node(sum)
  }

  /// Σ xᵢ.
  public func sum(_ x: [Scalar]) -> Scalar {
    for element in x { operand(element, 1) }
    return node(x.reduce(0) { $0 + $1.value })
  }
}

/// A number on a tape.
public struct Scalar {
  fileprivate let tape: Tape
  fileprivate let index: Int

  /// The number.
  public var value: Double { tape.values[index] }

  /// f(x), given its value and f′(x).
  private func function(_ value: Double, _ derivative: Double) -> Scalar {
    tape.operand(self, derivative)
    return tape.node(value)
  }

  private func function(_ other: Scalar, _ value: Double, _ byThis: Double, _ byOther: Double) -> Scalar {
    tape.operand(self, byThis)
    tape.operand(other, byOther)
    return tape.node(value)
  }

  /// x + y
  public static func + (x: Scalar, y: Scalar) -> Scalar { x.function(y, x.value + y.value, 1, 1) }
  /// x − y
  public static func - (x: Scalar, y: Scalar) -> Scalar { x.function(y, x.value - y.value, 1, -1) }
  /// x y
  public static func * (x: Scalar, y: Scalar) -> Scalar { x.function(y, x.value * y.value, y.value, x.value) }
  /// x / y
  public static func / (x: Scalar, y: Scalar) -> Scalar {
    x.function(y, x.value / y.value, 1 / y.value, -x.value / (y.value * y.value))
  }
  /// a − x
  public static func - (a: Double, x: Scalar) -> Scalar { x.function(a - x.value, -1) }
  /// a x
  public static func * (a: Double, x: Scalar) -> Scalar { x.function(a * x.value, a) }

  /// eˣ
  public var exponential: Scalar { function(Foundation.exp(value), Foundation.exp(value)) }
  /// ln x
  public var logarithm: Scalar { function(Foundation.log(value), 1 / value) }
  /// tanh x
  public var hyperbolicTangent: Scalar {
    let y = Foundation.tanh(value)
    return function(y, 1 - y * y)
  }
  /// σ(x) = 1 / (1 + e⁻ˣ)
  public var sigmoid: Scalar {
    let y = 1 / (1 + Foundation.exp(-value))
    return function(y, y * (1 - y))
  }
}
