/// What cells cannot be: what a checkpoint says is held against this before a layer is made of it.
extension CellOptions {
  /// Why no network of a kind can have these options, its smallest layer being of H units; `nil` if one can.
  func conflict(in kind: NeuralKind, hiddenSize: Int) -> String? {
    if !isKnown(to: kind) { return "options of cells that a network of kind '\(kind)' does not have" }
    if isMinimal, reset != .after || fixedGates != FixedGates() {
      return "a 'minimal' unit with gates of its own"
    }
    if fixedGates.update == 1 { return "an update gate that keeps the first state for ever" }
    if reset == .none, fixedGates.reset != nil { return "a fixed reset gate, and no reset gate" }
    if hasLayerNorm, hasPeepholes || !ablations.isEmpty || !hasBias {
      return "a 'layer_norm' with what does not go with it"
    }
    if let projection {
      if projection >= hiddenSize { return "a 'projection' that is not below 'hidden_size'" }
      if ablations.contains(.fullGateRecurrence) { return "a 'projection' and full gate recurrence" }
    }
    return ablations.conflict == nil ? nil : "an 'ablate' whose parts exclude each other"
  }

  /// Whether all that is unusual is something that cells of the kind can have.
  private func isKnown(to kind: NeuralKind) -> Bool {
    let usual = CellOptions()
    var rest = self
    (rest.recurrentInit, rest.recurrentScale) = (usual.recurrentInit, usual.recurrentScale)
    if [.rnn, .gru, .lstm].contains(kind) {
      (rest.hasBias, rest.hiddenZoneout) = (usual.hasBias, usual.hiddenZoneout)
    }
    switch kind {
    case .rnn: (rest.activation, rest.isResidualInTime) = (usual.activation, usual.isResidualInTime)
    case .gru:
      (rest.reset, rest.isMinimal, rest.fixedGates) = (usual.reset, usual.isMinimal, usual.fixedGates)
    case .lstm:
      (rest.forgetBias, rest.hasPeepholes, rest.ablations) = (usual.forgetBias, usual.hasPeepholes, [])
      (rest.hasLayerNorm, rest.projection, rest.mogrifierRounds) = (usual.hasLayerNorm, nil, 0)
      rest.cellZoneout = usual.cellZoneout
    case .nnlm, .sru, .qrnn, .mingru, .minlstm: break
    }
    return rest == usual
  }
}
