import LanguageModels
import NeuralModels

/// What can be set of networks and their training.
extension TrainSettings {
  static var networks: SettingGroup<Self> {
    SettingGroup("networks (--model \(ModelKind.names(ModelKind.networks)))", models: ModelKind.layered) {
      Setting(
        "layers", \.network.layers, .whole(1...100),
        "recurrent layers; sru and qrnn are usually stacks of 4 to 6, mingru and minlstm of 3",
        default: .rule("1") { $0.network.hiddenSizes.count }
      ).models(ModelKind.recurrent).changes(.shape).stored(.configuration("layers")).typed(
        "num-layers", "nlayers", "depth", "n-layers")
      Setting(
        "hidden", \.network.hiddenSizes, .sizes(1...1_000_000_000, layers: 1...100),
        "units of a layer; 512,256 makes two layers, the lower of 512 units",
        default: .rule(
          byUnit(\.hiddenSize) + "; nnlm \(nnlm.hiddenSize)" + byTask(\.hiddenSize)
        ) { [$0.defaults.hiddenSize] }
      ).changes(.shape).stored(.configuration("hidden_size")).typed(
        "hidden-size", "hidden-dim", "nhid", "rnn-size", "units", "num-units", "hidden-units", "dim", "size",
        "hidden-sizes", "layer-sizes"
      ).rule(hasSizeForEachLayer)
      Setting(
        "embed", \.network.embeddingSize, .whole(1...1_000_000_000), "numbers of an embedding",
        default: .rule(
          "as --hidden, or --projection; char and byte \(fine.embeddingSize(hiddenSize: 0, tied: false)); nnlm \(nnlm.embeddingSize(hiddenSize: 0, tied: false))"
        ) {
          let (network, isTied) = ($0.network, $0.network.tiesEmbeddings)
          return $0.defaults.embeddingSize(
            hiddenSize: isTied ? network.outputSize : network.outputSize(ofLayer: 1), tied: isTied)
        }
      ).models(ModelKind.networks).changes(.shape).stored(.configuration("embedding_size")).typed(
        "embedding", "embedding-size", "embed-size", "embedding-dim", "embed-dim", "emsize", "emb-size")
      Setting(
        flag: "tie", \.network.tiesEmbeddings, "the softmax shares the embeddings; needs --embed as --hidden"
      ).tasks(.language, .fill, .translate).changes(.shape).stored(.configuration("tied_embeddings")).rule {
        values, _ in
        let network = values.network
        let (embed, output) = (network.embeddingSize, network.outputSize)
        let option =
          network.cell.projection != nil
          ? "--projection" : network.hiddenSizes.count > 1 ? "the last size of --hidden" : "--hidden"
        return embed == output ? nil : "needs --embed as large as \(option), not \(embed) and \(output)"
      }.excludes("direct").typed(
        "tied", "tie-weights", "tie-embeddings", "share-embeddings", "share-decoder-input-output-embed")
      softmaxes.map { $0.tasks(.language, .fill, .translate) }
      connections
      Setting(
        flag: "direct", \.network.hasDirectConnections, "connect the embeddings to the softmax directly"
      )
      .models(.network(.nnlm)).tasks(.language).changes(.shape).stored(.configuration("direct_connections"))
    }
  }

  private static func hasSizeForEachLayer(_ values: Self, _ given: Arguments) -> String? {
    let (sizes, layers) = (values.network.hiddenSizes.count, values.network.layers)
    if sizes == 1 || sizes == layers { return nil }
    if values.kind == .network(.nnlm) {
      return "takes one size with --model nnlm, which has one hidden layer"
    }
    return
      "gives \(sizes) sizes, and --layers asks for \(layers); give a size for each layer, or leave --layers out"
  }

  /// What help says of defaults is what they are.
  private static var words: Defaults { Defaults(kind: .lstm) }
  private static var fine: Defaults { Defaults(kind: .lstm, unit: .char) }
  private static var nnlm: Defaults { Defaults(kind: .nnlm) }

  /// What a default is for other tasks, where it differs.
  private static func byTask<Value: Equatable>(_ value: (Defaults) -> Value) -> String {
    let tasks: [(name: String, purpose: Defaults.Purpose)] = [
      ("classify", .classification), ("translate", .translation),
    ]
    return tasks.map { name, purpose in
      let own = value(Defaults(kind: .lstm, purpose: purpose))
      return own == value(words) ? "" : "; to \(name) \(own)"
    }.joined()
  }

  /// A default that differs for characters and bytes.
  private static func byUnit(_ value: (Defaults) -> Int) -> String {
    "\(value(words)); char and byte \(value(fine))"
  }

  /// The rates that suit Adam, and then the other optimizers.
  private static var usualRates: String {
    func rate(_ optimizer: OptimizerKind, _ kind: NeuralKind) -> String {
      Format.significant(optimizer.usualRate(for: kind), 3)
    }
    let adam = rate(.adam, .lstm)
    let others = NeuralKind.allCases.filter { rate(.adam, $0) != adam }
    let exception = others.first.map {
      ", \(others.map(\.rawValue).joined(separator: " and ")) \(rate(.adam, $0))"
    }
    let rest = [OptimizerKind.sgd, .momentum, .adagrad, .rmsprop].map { "\($0.rawValue) \(rate($0, .lstm))" }
    return "adam \(adam)\(exception ?? ""); \(rest.joined(separator: ", "))"
  }

  /// A flag for each way to connect layers.
  private static var connections: [Setting<Self>] {
    let all = Connection.allCases.filter { $0 != .plain }
    return all.map { connection in
      Setting(flag: connection.rawValue, \.network[connectsBy: connection], connection.summary)
        .models(ModelKind.recurrent).changes(.shape).stored(
          .configuration(connection.rawValue)
        )
        .rule { values, given in
          let isBidirectional = given.has("bidirectional")
          if values.network.hasConnections(isBidirectional: isBidirectional) { return nil }
          // The decoder of a translator reads in one.
          if given.string("task") == TaskKind.translate.rawValue,
            values.network.hasConnections(isBidirectional: false)
          {
            return nil
          }
          if connection == .dense { return "needs --layers 2 and more, or as many sizes of --hidden" }
          let twice = isBidirectional ? "twice " : ""
          let reason = isBidirectional ? ", as layers give both directions" : ""
          return values.network.hiddenSizes.count > 1
            ? "needs a layer of --hidden as large as the one below it, or \(twice)as large as --embed\(reason)"
            : "needs --layers 2 and more, or --embed \(twice)as large as --hidden\(reason)"
        }
        .rule { _, given in
          all.first { $0 != connection && given.has($0.rawValue) }.map {
            "and --\($0.rawValue) exclude each other"
          }
        }
        .typed(connection.synonyms)
    }
  }

  static var regularization: SettingGroup<Self> {
    SettingGroup(
      "regularization of networks (small texts need more of it, large ones less)", models: ModelKind.networks
    ) {
      Setting(
        "dropout", \.network.dropout, .probability,
        "zero activations between layers with this probability; 0.4 for a million words",
        default: .rule("\(words.dropout)" + byTask(\.dropout)) { $0.defaults.dropout }
      ).typed("drop", "dropout-rate", "keep-prob")
      Setting(
        "dropout-embed", \.network.regularization.embeddingDropout, .probability,
        "zero whole words, wherever they stand; 0.1 helps where rare words are learnt by heart",
        default: .rule("0" + byTask(\.embeddingDropout)) {
          $0.defaults.embeddingDropout
        }
      ).typed("dropoute", "word-dropout", "embedding-dropout")
      Setting(
        "label-smoothing", \.network.regularization.labelSmoothing, .share(),
        "spread this share of each target over all tokens; for models that must not be too sure; often costs perplexity"
      ).tasks(.language, .fill, .translate).rule { values, _ in
        let kind = values.network.softmax.kind
        return values.network.regularization.labelSmoothing > 0 && kind != .full
          ? "goes with --softmax full, not \(kind.rawValue)" : nil
      }
      [
        Setting(
          "dropout-input", \.network.regularization.inputDropout, .probability,
          "for the embeddings, in place of --dropout; higher when the training loss falls far below the held-out loss",
          default: asDropout
        ).follows("dropout").typed("dropouti", "input-dropout"),
        Setting(
          "dropout-hidden", \.network.regularization.hiddenDropout, .probability,
          "between layers, in place of --dropout; for --layers 2 and more", default: asDropout
        ).follows("dropout").typed("dropouth", "hidden-dropout"),
        Setting(
          "dropout-output", \.network.regularization.outputDropout, .probability,
          "before the softmax, in place of --dropout; as --dropout-input", default: asDropout
        ).follows("dropout").typed("output-dropout"),
        Setting(
          flag: "locked-dropout", \.network.regularization.isLocked,
          "drop the same units at all steps of a sequence; for long trainings with much dropout"
        ).typed("variational-dropout", "variational"),
        Setting(
          "dropout-weights", \.network.regularization.weightDropout, .probability,
          "zero recurrent weights; 0.3 to 0.5 over dozens of epochs, for it slows learning"
        ).models(withProducts).typed("wdrop", "weight-dropout", "weight-drop"),
        Setting(
          "ar", \.network.regularization.activationPenalty, .atLeastZero(),
          "penalty on large outputs of the last layer; 1 or 2 with locked dropout"
        ).tasks(.language, .fill).typed("alpha", "activation-regularization"),
        Setting(
          "tar", \.network.regularization.temporalPenalty, .atLeastZero(),
          "penalty on their changes from step to step; as --ar"
        ).tasks(.language, .fill).typed("beta"),
      ].map { $0.option.models.isEmpty ? $0.models(ModelKind.recurrent) : $0 }
    }
  }

  /// Setting `--dropout` sets it for all places.
  private static var asDropout: SettingDefault<Self, Float> {
    .rule("as --dropout") { $0.network.regularization.outputDropout }
  }

  static var trainings: SettingGroup<Self> {
    SettingGroup("training of networks", models: ModelKind.networks) {
      Setting(
        "epochs", \.epochs, .whole(1...1_000_000), "times through the text",
        default: .rule("\(words.epochs(updatesPerEpoch: .max)); more for small texts") { _ in nil }
      ).changes(.length).recorded("epochs").typed(
        "epoch", "num-epochs", "max-epochs", "passes", "num-train-epochs")
      Setting(
        "batch", \.rows, .whole(1...1_000_000), "streams, texts or pairs side by side",
        default: .rule(byUnit(\.batchSize) + byTask(\.batchSize) + "; fewer for small texts") {
          _ in nil
        }
      ).recorded("batch").typed(
        "batch-size", "batchsize", "minibatch", "bsz", "bs", "per-device-train-batch-size",
        "per-gpu-train-batch-size")
      Setting(
        "bptt", \.training.sequenceLength, .whole(1...1_000_000), "steps that gradients flow back",
        default: .rule(byUnit(\.sequenceLength)) { $0.defaults.sequenceLength }
      ).tasks(.language, .fill).recorded("bptt").typed(
        "seq-length", "seq-len", "sequence-length", "seq", "seqlen", "num-steps", "unroll", "block-size",
        "tokens-per-sample", "max-seq-length")
      Setting(
        "optimizer", \.training.optimizer, .choice("HOW", typed: ["nesterov": .momentum]),
        "how weights follow gradients"
      ).changes(.optimizer).recorded("optimizer").typed("optim", "opt", "solver")
      optimizerConstants
      Setting(
        "lr", \.training.rate, .number("X", "above 0") { Float($0) > 0 && Float($0).isFinite },
        "highest learning rate",
        default: .rule(usualRates) {
          $0.training.optimizer.usualRate(for: $0.network.kind)
        }
      ).recorded("lr").typed("learning-rate", "rate", "eta", "step-size", "learningrate")
      Setting(
        "schedule", \.training.schedule, .choice("HOW", typed: ["wsd": .stableDecay, "none": .constant]),
        "how the rate changes",
        default: .rule("cosine; with --time-limit stable-decay") {
          $0.defaults.schedule(hasTimeLimit: $0.run.timeLimit != nil)
        }
      ).recorded("schedule").rule { values, given in
        values.training.schedule != .newbob || given.has("valid") || given.has("holdout")
          ? nil : "newbob needs held-out text: --valid FILE or --holdout 0.05"
      }.typed("lr-schedule", "scheduler", "anneal", "decay", "lr-scheduler")
      Setting(
        "warm-up", \.training.warmUpUpdates, .whole(0...1_000_000_000), "steps in which the rate rises from 0"
      ).recorded("warm_up").typed("warmup", "warmup-steps", "warmup-updates", "warmup-ratio")
      Setting(
        "newbob-ratio", \.training.newbobRatio, .number("X", "from 1") { $0 >= 1 },
        "newbob: halve the rate unless held-out loss falls by this factor in an epoch"
      ).recorded("newbob_ratio", .inEffect, rank: 3).ofNewbob()
      Setting(
        "newbob-count", \.training.newbobPatience, .whole(1...1_000_000),
        "newbob: stop after N such epochs in a row"
      ).recorded("newbob_count", .inEffect, rank: 3).ofNewbob()
      Setting(
        "clip", \.training.clipNorm, .atLeastZero(), "scale gradients down to this norm; 0 for never"
      ).recorded("clip").typed(
        "grad-clip", "clip-norm", "max-grad-norm", "gradient-clip", "clip-grad", "clipping")
      Setting(
        "clip-value", \.training.clipValue, .atLeastZero(), "cut each gradient to this value; 0 for never"
      )
      .recorded("clip_value")
      Setting(
        "weight-decay", \.weightDecay, .atLeastZero(),
        "shrink weights; 1e-6 with sgd and adam, up to 0.1 with adamw, for long trainings",
        default: .rule("0; adamw 0.01") { $0.training.optimizer.defaultWeightDecay }
      ).recorded("weight_decay", .set, rank: 1).typed("wd", "l2", "wdecay")
      Setting(
        "average", \.training.averageInterval, .whole(1...1_000_000),
        "average the weights once held-out loss is worse than N epochs before (NT-ASGD); 5, with --optimizer sgd "
          + "--schedule constant"
      ).recorded("average", .inEffect, rank: 1).needsHeldOutText().typed("asgd", "averaging", "ema", "swa")
      Setting(
        "accumulate", \.training.accumulation, .whole(1...1_000_000),
        "sequences of --bptt steps for one update; more for a large batch in little memory"
      ).recorded("accumulate", .set, rank: 1).typed(
        "gradient-accumulation-steps", "grad-accum", "accumulation", "gradient-accumulation", "update-freq")
      Setting(
        flag: "random-bptt", \.training.hasRandomLengths,
        "vary --bptt around its value; for trainings of many epochs"
      ).tasks(.language).recorded("random_bptt", .set, rank: 1).models(ModelKind.recurrent).rule {
        values, _ in
        let fewest = TrainingOptions.fewestRandomSteps
        return values.training.sequenceLength < fewest ? "needs --bptt of at least \(fewest)" : nil
      }
      Setting(
        "forget-state", \.training.stateForgetting, .share(),
        "begin this share of sequences with a state of zeros, so that the beginning of a text is learnt too"
      ).tasks(.language).recorded("forget_state", .set, rank: 4).models(ModelKind.recurrent).typed(
        "state-dropout", "reset-state")
      Setting("seed", \.training.seed, .seed, "decides first weights and dropout").recorded("seed").typed(
        "random-seed", "manual-seed")
    }
  }
}

extension Setting where Values == TrainSettings {
  /// It goes with the schedule newbob.
  fileprivate func ofNewbob() -> Setting {
    inEffect { $0.training.schedule == .newbob }
      .rule { values, _ in values.training.schedule == .newbob ? nil : "goes with --schedule newbob" }
  }
}
