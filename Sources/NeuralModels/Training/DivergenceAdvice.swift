import Glibc
import LanguageModels

extension OptimizerKind {
  /// The learning rate that suits it for a kind of network.
  public func usualRate(for kind: NeuralKind) -> Double {
    self == .adam || self == .adamw ? kind.traits.adamRate : defaultRate
  }
}

extension TrainingOptions {
  /// What to try after training diverged, in a few words.
  ///
  /// - Parameters:
  ///   - usual: the rate that suits the optimizer.
  ///   - highestRate: the highest rate after all halvings.
  ///   - lastRate: that of the last update, if that says more.
  ///   - regularization: that of the network.
  func adviceAfterDivergence(
    usualRate usual: Double, highestRate: Double, lastRate: Double? = nil,
    regularization: Regularization = Regularization()
  ) -> String {
    if let excess = excess(regularization) {
      return "try a lower --\(excess.option), such as \(excess.usual.brief) (it was \(excess.value.brief))"
    }
    // A quarter of what was still too much.
    let lower = (highestRate / 4).roundedDown
    let rate =
      usual <= lower ? "\(usual.brief), the usual rate of \(optimizer.rawValue)" : lower.brief
    let last = lastRate.map { "\($0.brief) at last, of \(self.rate.brief) at first" } ?? self.rate.brief
    var advice = "try a lower --lr, such as \(rate) (it was \(last))"
    if clipNorm == 0 {
      advice += ", and clip gradients (--clip 1)"
    } else if clipNorm > 1 {
      advice += ", or a lower --clip, such as 1 (it was \(clipNorm.brief))"
    }
    return advice
  }

  /// An option that is so far beyond what helps that no rate makes up for it, and a value that does.
  private func excess(_ regularization: Regularization) -> (option: String, usual: Double, value: Double)? {
    let decay = weightDecay ?? optimizer.defaultWeightDecay
    // A decay that takes all of a weight in one step, or a penalty that leaves nothing of the loss.
    if decay > 1, decay * rate >= 1 || optimizer != .sgd {
      return ("weight-decay", optimizer == .adamw ? 0.1 : 1e-6, decay)
    }
    if regularization.activationPenalty > 1000 { return ("ar", 2, regularization.activationPenalty) }
    if regularization.temporalPenalty > 1000 { return ("tar", 1, regularization.temporalPenalty) }
    return nil
  }
}

extension Double {
  /// The number with three significant digits, for messages.
  var brief: String {
    if isFinite, abs(self) > Double(Float.greatestFiniteMagnitude) {
      let exponent = floor(log10(abs(self)))
      return "\((self / pow(10, exponent)).brief)e+\(Int(exponent))"
    }
    let text = "\(Float(rounded(digits: 3, .toNearestOrEven)))"
    return text.hasSuffix(".0") ? String(text.dropLast(2)) : text
  }

  /// The number with one significant digit, not above it.
  fileprivate var roundedDown: Double { rounded(digits: 1, .down) }

  private func rounded(digits: Int, _ rule: FloatingPointRoundingRule) -> Double {
    guard isFinite, self != 0 else { return self }
    let exponent = Double(digits - 1) - floor(log10(abs(self)))
    // Powers of ten are exact up to 10²², so numbers of everyday size lose nothing.
    return exponent >= 0
      ? (self * pow(10, exponent)).rounded(rule) / pow(10, exponent)
      : (self / pow(10, -exponent)).rounded(rule) * pow(10, -exponent)
  }
}
