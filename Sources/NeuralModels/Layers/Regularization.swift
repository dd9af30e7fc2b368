import LanguageModels

/// What keeps a network from learning its text by heart, in training only: predictions are always those of the whole network.
///
/// The recipe of the AWD-LSTM (Merity, Keskar and Socher 2018) is all of it together, with averaged weights.
public struct Regularization: Sendable, Equatable {
  /// The probability that dropout sets an element of x⁰, what the first layer is given, to zero.
  public var inputDropout: Float = 0
  /// The probability that dropout sets an element of what a recurrent layer gives the next to zero.
  public var hiddenDropout: Float = 0
  /// The probability that dropout sets an element of what the softmax is given to zero.
  public var outputDropout: Float = 0
  /// The probability that a word's whole embedding is zero, wherever the word stands (Gal and Ghahramani 2016).
  public var embeddingDropout: Float = 0
  /// The probability that a recurrent weight is zero (Merity et al. 2018).
  public var weightDropout: Float = 0
  /// Whether one mask serves all steps of a sequence (Gal and Ghahramani 2016).
  public var isLocked = false
  /// α of activation regularization (Merity, McCann and Socher 2017).
  public var activationPenalty = 0.0
  /// β of temporal activation regularization (Merity, McCann and Socher 2017).
  public var temporalPenalty = 0.0
  /// ε of label smoothing (Szegedy et al. 2016).
  public var labelSmoothing = 0.0

  /// None at all.
  public init() {}

  /// Whether the loss that training sees is far from that of the whole network.
  var isStrong: Bool {
    [inputDropout, hiddenDropout, outputDropout, embeddingDropout, weightDropout].contains { $0 >= 0.5 }
      || labelSmoothing > 0.5
  }

  /// The members of a checkpoint's configuration that say it; what is usual is not said.
  var json: [JSONValue.Member] {
    func exact(_ x: Float) -> JSONValue { .number(Double("\(x)") ?? Double(x)) }
    var members: [JSONValue.Member] = [.init("dropout", exact(outputDropout))]
    if inputDropout != outputDropout { members.append(.init("dropout_input", exact(inputDropout))) }
    if hiddenDropout != outputDropout { members.append(.init("dropout_hidden", exact(hiddenDropout))) }
    if embeddingDropout != 0 { members.append(.init("dropout_embed", exact(embeddingDropout))) }
    if weightDropout != 0 { members.append(.init("dropout_weights", exact(weightDropout))) }
    if isLocked { members.append(.init("locked_dropout", .bool(true))) }
    if activationPenalty != 0 { members.append(.init("ar", .number(activationPenalty))) }
    if temporalPenalty != 0 { members.append(.init("tar", .number(temporalPenalty))) }
    if labelSmoothing != 0 { members.append(.init("label_smoothing", .number(labelSmoothing))) }
    return members
  }

  /// The regularization that a checkpoint's `json` tells of.
  ///
  /// - Throws: `CheckpointError` when a number is none that it could be.
  init(json: JSONValue) throws {
    func number(_ name: String, below limit: Double = .infinity) throws -> Double? {
      guard let member = json[name] else { return nil }
      guard let value = member.doubleValue, value >= 0, value < limit else {
        throw CheckpointError("damaged: 'configuration' has no sound '\(name)'")
      }
      return value
    }
    func rate(_ name: String) throws -> Float? { try number(name, below: 1).map { Float($0) } }
    outputDropout = try rate("dropout") ?? 0
    inputDropout = try rate("dropout_input") ?? outputDropout
    hiddenDropout = try rate("dropout_hidden") ?? outputDropout
    embeddingDropout = try rate("dropout_embed") ?? 0
    weightDropout = try rate("dropout_weights") ?? 0
    isLocked = json["locked_dropout"]?.boolValue ?? false
    activationPenalty = try number("ar") ?? 0
    temporalPenalty = try number("tar") ?? 0
    labelSmoothing = try number("label_smoothing", below: 1) ?? 0
  }
}
