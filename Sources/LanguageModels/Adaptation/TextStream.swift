/// A text that is scored from its beginning on, by something that may learn from what it reads.
///
/// Every token is scored before anything is learned from it.
public protocol TextStream: AnyObject {
  /// Appends ln p of each of `tokens`, given all tokens before it.
  ///
  /// - Parameter watch: hears from time to time how many more tokens are scored, and stops the scoring when it throws.
  func score(_ tokens: ArraySlice<TokenID>, into output: inout [Float], watch: (Int) throws -> Void) rethrows

  /// Forgets all that was read, for another text begins.
  func restart()
}

/// A text by a model that stays as it is.
public final class ModelStream<Model: LanguageModel>: TextStream {
  private let model: Model
  private let context: ContextMode
  private var state: Model.State

  /// A text of which nothing was read.
  public init(_ model: Model, context: ContextMode) {
    (self.model, self.context) = (model, context)
    state = model.initialState
  }

  public func score(
    _ tokens: ArraySlice<TokenID>, into output: inout [Float], watch: (Int) throws -> Void
  ) rethrows {
    try model.score(tokens, context: context, after: &state, into: &output, watch: watch)
  }

  public func restart() { state = model.initialState }
}
