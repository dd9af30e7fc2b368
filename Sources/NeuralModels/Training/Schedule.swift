import Glibc

/// The learning rate of each update, as a factor of the highest.
public enum Schedule: String, CaseIterable, Sendable {
  /// 1 all the way.
  case constant
  /// ½ (1 + cos(π · progress)): from 1 to 0 (Loshchilov and Hutter 2017).
  case cosine
  /// 1 − progress: from 1 to 0 in a straight line.
  case linear
  /// 1 for three quarters of the run, then from 1 to 0 in a straight line (Hu et al. 2024: warm-up, stable, decay). It learns at the
  /// full rate for most of a short run, where `cosine` would already slow down.
  case stableDecay = "stable-decay"
  /// Halved whenever an epoch improves the held-out loss by too little, as in Mikolov's RNNLM ("newbob"); see `Newbob`.
  case newbob

  /// Whether it is laid out over the whole run, so that the run's length decides every rate.
  public var dependsOnLength: Bool { self == .cosine || self == .linear || self == .stableDecay }

  /// The factor at `progress`, from 0 to 1, without warm-up; the decisions of newbob come on top.
  public func factor(progress: Double) -> Double {
    switch self {
    case .constant, .newbob: 1
    case .cosine: 0.5 * (1 + cos(.pi * min(1, progress)))
    case .linear: max(0, 1 - progress)
    case .stableDecay: max(0, min(1, 4 * (1 - progress)))
    }
  }

  /// The factor after some updates of `total`, of which the first `warmUp` rise in a straight line from 0; or later than that, if
  /// more of the time for the run is used up.
  public func factor(updates: Int, total: Int?, warmUp: Int, timeUsed: Double = 0) -> Double {
    if updates < warmUp { return Double(updates + 1) / Double(warmUp) }
    let share = total.map { Double(updates - warmUp) / Double(max(1, $0 - warmUp)) } ?? 0
    return factor(progress: max(share, timeUsed))
  }
}

/// The decisions of the newbob schedule, epoch by epoch.
///
/// The rate stays until an epoch's held-out loss is not at least `ratio` times better than the previous one's; from then on it is
/// halved at every epoch, and after `patience` epochs in a row without such an improvement training ends.
public struct Newbob: Sendable, Equatable {
  /// The least improvement: previous loss / this loss.
  public let ratio: Double
  /// Epochs without it after which training ends.
  public let patience: Int
  /// The factor of the rate now.
  public internal(set) var factor = 1.0
  var isHalving = false
  var failures = 0
  var previousLoss = Double.infinity

  /// A schedule at its start.
  public init(ratio: Double, patience: Int) {
    self.ratio = ratio
    self.patience = patience
  }

  /// Takes the held-out loss of an epoch; one that is not a number is no improvement.
  public mutating func take(_ loss: Double) {
    let improved = loss * ratio <= previousLoss
    previousLoss = loss.isNaN ? .infinity : loss
    failures = improved ? 0 : failures + 1
    isHalving = isHalving || !improved
    if isHalving { factor /= 2 }
  }

  /// Whether training should end.
  public var isOver: Bool { failures >= patience }
}
