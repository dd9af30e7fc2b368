extension Checkpoint {
  /// The checkpoint of a model of which this one's model is made: its tensors and vocabularies stand under `name/…`, and its own vocabulary,
  /// where it is not that of the whole, under `name`.
  ///
  /// - Parameter description: its kind, configuration and training.
  /// - Throws: `CheckpointError` when these are missing.
  public func member(_ name: String, _ description: JSONValue) throws -> Checkpoint {
    guard let kind = description["model"]?.stringValue, let configuration = description["configuration"]
    else {
      throw CheckpointError("damaged: '\(name)', of which it is made, has no kind or no configuration")
    }
    let start = name + "/"
    func own(_ name: String) -> String? {
      name.hasPrefix(start) ? String(name.dropFirst(start.count)) : nil
    }
    return Checkpoint(
      model: kind, programVersion: programVersion, tokenizer: tokenizer,
      vocabulary: otherVocabularies.first { $0.name == name }?.vocabulary ?? vocabulary,
      otherVocabularies: otherVocabularies.compactMap { name, vocabulary in
        own(name).map { ($0, vocabulary) }
      },
      configuration: configuration, training: description["training"] ?? .null,
      tensors: tensors.compactMap { tensor in
        own(tensor.name).map { Tensor(name: $0, shape: tensor.shape, elements: tensor.elements) }
      })
  }
}

extension Tensor {
  /// The same under the name that it has in the checkpoint of a model that is made of several, as one of `member`.
  public func ofMember(_ member: String) -> Tensor {
    Tensor(name: "\(member)/\(name)", shape: shape, elements: elements)
  }
}
