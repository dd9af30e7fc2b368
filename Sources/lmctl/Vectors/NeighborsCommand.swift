import LanguageModels
import NeuralModels

/// `lmctl neighbors`.
enum NeighborsCommand: Command {
  static let name = "neighbors"
  static let summary = "find the nearest tokens of words; export and draw the vectors"
  static let operands = "MODEL [OPTION…] [WORD…]"
  static let discussion = """
    Prints the nearest tokens of each word, those whose vectors have the largest cosine with its own, <unk> aside: a line for
    each, with the word, the token and the cosine between tabs. Words are looked up as the model's text rules make them.
    Without words, it reads them from standard input, one a line, and ends each answer with an empty line, so that another
    program can ask; of a word that the model does not know, it says so, and the answer is empty. With --analogy, it takes three
    words A B C, or lines of three, and looks for what is to C as A is to B, as queen is to woman as king is to man: the tokens
    nearest to a/|a| - b/|b| + c/|c|.

    The file of --tsv can be cut into the two that the TensorFlow projector takes: cut -f2- gives the vectors, cut -f1 the
    names. The map has vectors of length 1, so that what is near on it has a large cosine; the axes say which share of the
    variance they show.
    """
  nonisolated(unsafe) static let settings = NeighborsSettings.table
  static let typed = ["neighbours", "nearest", "similar", "nn", "distance", "analogy", "embeddings"]
  static let configurationExample = (
    line: "lmctl neighbors lstm.json lamp --config run.json", file: #"{"top": 5, "of": "output"}"#
  )
  static let examples = [
    "lmctl neighbors lstm.json the --top 5",
    "lmctl neighbors lstm.json --analogy his he she",
    "lmctl neighbors lstm.json --tsv vectors.tsv",
    "lmctl neighbors lstm.json --map map.svg --words 200",
  ]

  static func run(_ settings: NeighborsSettings, _ operands: [String], given: Arguments) throws {
    guard let path = operands.first else {
      throw UsageError("no model; give the checkpoint of a network: lmctl neighbors lstm.json lamp")
    }
    let words = Array(operands.dropFirst())
    try check(settings, words, model: path, given)
    let model = try VectorModel(path: path, vectors: "embeddings")
    let network = model.network
    var place = settings.place ?? .output
    var found = network.tokenVectors(place)
    if found == nil, settings.place == nil {
      place = .input
      found = network.tokenVectors(place)
    }
    guard let vectors = found else {
      throw FileError(
        path: path,
        reason: "has a softmax in clusters, in which the weights of tokens cannot be compared; use --of input"
      )
    }
    if let table = settings.tablePath {
      try VectorTable(vectors: vectors, vocabulary: model.vocabulary).write(to: table)
    }
    if let map = settings.mapPath {
      try WordMap(model: model, vectors: vectors, place: place, size: settings.mapSize).write(words, to: map)
    }
    if settings.tablePath != nil || settings.mapPath != nil { return }
    let search = NeighborSearch(model: model, vectors: vectors, settings: settings)
    if words.isEmpty { return try search.answerStandardInput() }
    for words in settings.isAnalogy ? [words] : words.map({ [$0] }) { try search.answer(words) }
  }

  /// An error if the options and the words do not go together, or an output cannot be written.
  private static func check(
    _ settings: NeighborsSettings, _ words: [String], model: String, _ given: Arguments
  ) throws {
    if settings.isAnalogy, !words.isEmpty, words.count != 3 {
      throw UsageError(
        "--analogy takes three words, not \(words.count), as in lmctl neighbors \(Shell.quoted(model)) --analogy king man woman"
      )
    }
    if let path = settings.tablePath {
      if let word = words.first, settings.mapPath == nil {
        throw UsageError("'\(word)' is one argument too many: --tsv writes all tokens")
      }
      _ = try OutputFile(path, .vectors, inputs: [model], isForced: settings.common.isForced)
    }
    if let path = settings.mapPath {
      if !words.isEmpty, given.has("words") {
        throw UsageError(
          "--words \(settings.mapSize) is for maps of the most frequent words; leave out '\(words[0])'")
      }
      if settings.tablePath == path {
        throw UsageError("--tsv and --map are both to be written to '\(path)'; name two files")
      }
      try PictureFile.check(path, option: "--map", inputs: [model], isForced: settings.common.isForced)
    } else if words.isEmpty, settings.tablePath == nil {
      try TextFiles.requireSingleStandardInput([], model)
    }
  }
}
