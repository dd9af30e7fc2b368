import Glibc
import LanguageModels

/// A logarithm as it stands in an ARPA file, and as it is kept.
struct ARPANumber {
  /// The natural logarithm.
  var natural: Float
  /// How it is written in base 10.
  var form: DecimalForm

  /// What stands for the logarithm of zero.
  static let zero = -99.0

  /// The largest magnitude: as many of them as an n-gram has words still sum to a finite number.
  private static let limit = Double(Float.greatestFiniteMagnitude) / 1024

  /// The number whose logarithm in base 10 is `decimal`; `nil` if that is beyond single precision.
  ///
  /// −99 stands for zero, as in SRILM, and so does −∞; KenLM takes −99 for 1e-99.
  init?(decimal: Double) {
    if decimal == Self.zero || decimal == -.infinity {
      (natural, form) = (-.infinity, .sevenDecimals)
      return
    }
    guard abs(decimal) <= Self.limit else { return nil }
    natural = Float(decimal * M_LN10)
    form = DecimalForm(of: decimal, for: natural)
  }

  /// A number that no file holds.
  init(natural: Float) {
    self.natural = natural
    form = .sevenDecimals
  }
}

/// How the decimal of a natural logarithm is found again.
///
/// In single precision, several decimals become one natural logarithm, and one of them is meant: that with seven decimals, as
/// `ARPAWriter` writes the numbers of its own models, or the shortest of one of three numbers in single precision, as KenLM and
/// SRILM write theirs (up to nine digits).
enum DecimalForm: UInt8 {
  /// The nearest number with seven decimals.
  case sevenDecimals
  /// The nearest number in single precision.
  case nearest
  /// The number in single precision above the nearest.
  case above
  /// The number in single precision below the nearest.
  case below

  /// The form that gives `decimal` again, if one does, for the natural logarithm that it became.
  @inline(__always)
  init(of decimal: Double, for natural: Float) {
    let back = Double(natural) / M_LN10
    if abs(back) < DecimalText.limit, (back * 1e7).rounded(.toNearestOrEven) / 1e7 == decimal {
      self = .sevenDecimals
      return
    }
    let (meant, nearest) = (Float(decimal), Float(back))
    if meant == 0 || Double(meant) == ARPANumber.zero {
      self = .sevenDecimals
    } else if meant == nearest.nextUp {
      self = .above
    } else if meant == nearest.nextDown {
      self = .below
    } else {
      self = .nearest
    }
  }

  /// The number in single precision that is written for a natural logarithm.
  func single(_ natural: Float) -> Float {
    let nearest = Float(Double(natural) / M_LN10)
    return switch self {
    case .sevenDecimals, .nearest: nearest
    case .above: nearest.nextUp
    case .below: nearest.nextDown
    }
  }
}

/// How the two numbers of an n-gram are written, in a byte.
struct WrittenForms: Equatable {
  /// What an array holds of it.
  let code: UInt8

  init(probability: DecimalForm, backoff: DecimalForm) {
    code = probability.rawValue | backoff.rawValue << 4
  }

  init(code: UInt8) { self.code = code }

  /// Seven decimals both.
  static let sevenDecimals = Self(code: 0)

  var probability: DecimalForm { DecimalForm(rawValue: code & 15) ?? .nearest }
  var backoff: DecimalForm { DecimalForm(rawValue: code >> 4) ?? .nearest }
}

/// How the numbers of a model were written in the ARPA file that it was read from, so that they are written so again.
struct WrittenDigits: Sendable {
  /// The `WrittenForms` of each n-gram.
  private let codes: [UInt8]

  /// `nil` if all numbers have seven decimals, which need not be kept.
  init?(codes: [UInt8]) {
    guard codes.contains(where: { $0 != 0 }) else { return nil }
    self.codes = codes
  }

  @inline(__always)
  subscript(node: Int) -> WrittenForms { WrittenForms(code: codes[node]) }

  private static let name = "arpa_digits"

  /// What a checkpoint holds of it.
  var tensor: Tensor { Tensor(Self.name, codes) }

  /// What `checkpoint` holds of it for so many n-grams; `nil` if nothing.
  init?(_ checkpoint: Checkpoint, count: Int) throws {
    guard checkpoint.tensors.contains(where: { $0.name == Self.name }) else { return nil }
    self.init(codes: try checkpoint.bytes(Self.name, count: count))
  }
}
