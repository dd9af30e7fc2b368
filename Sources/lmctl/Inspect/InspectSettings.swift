import LanguageModels
import NeuralModels

/// The settings of `lmctl inspect`.
struct InspectSettings: CommandValues {
  /// What is shown in place of what a file holds.
  enum View {
    case gradients
    case gates
    case attention
    case errorWall
  }

  var asJSON = false
  var checks = false
  var view: View?
  /// How far back gradients are followed, and over how many places.
  var steps = 50
  var places = 200
  /// How many units of a layer are shown.
  var units = 24
  var output: String?
  /// Whether a network as `network` says is looked at before training.
  var isUntrained = false
  /// The settings of `train` that decide it.
  var network = TrainSettings()
  var common = CommonSettings()

  /// The kind of the untrained network.
  var kind: ModelKind? { network.kind }

  private subscript(shows view: View) -> Bool {
    get { self.view == view }
    set { if newValue { self.view = view } }
  }

  static var table: SettingTable<Self> {
    SettingTable(groups: [
      SettingGroup("output") {
        Setting(flag: "json", \.asJSON, "one JSON object, without the vocabulary and the numbers")
        Setting(
          flag: "check", \.checks,
          "whether the probabilities after seen, partly seen and unseen contexts sum to one and, for networks, whether "
            + "gradients agree with differences of the loss; exit status 1 if not"
        ).typed("verify", "test", "validate")
        Setting(
          "output", \.output, .file, "where the SVG picture goes; - for standard output",
          default: .rule("the terminal") { $0.output }
        ).short("o").rule { values, _ in
          values.view == nil ? "goes with --gradients, --gates, --attention or --error-wall" : nil
        }.typed("out", "svg")
        CommonSettings.force.lifted(\.common)
      },
      SettingGroup("looking inside recurrent networks") {
        Setting(
          flag: "gradients", \.[shows: .gradients], "how far back the loss reaches, measured on a text"
        ).excludes("gates", "error-wall", "check").typed("gradient", "vanishing-gradients")
        Setting("steps", \.steps, .whole(1...10_000), "gradients: the largest distance").needs("gradients")
          .typed("distance", "lags")
        Setting("places", \.places, .whole(1...100_000), "gradients: tokens of the text to follow them from")
          .needs("gradients").typed("samples")
        Setting(flag: "gates", \.[shows: .gates], "what every gate does while a sentence is read")
          .excludes("error-wall", "check").typed("activations", "heat-map", "heatmap")
        Setting(
          "units", \.units, .whole(1...100_000), "gates: units of a layer to show, those that vary most"
        ).needs("gates")
        Setting(
          flag: "attention", \.[shows: .attention],
          "which words of a sentence each word of its translation attends to: of the one that follows it, or the model's own"
        ).excludes("gradients", "gates", "error-wall", "check").typed("alignment", "align")
        Setting(
          flag: "error-wall", \.[shows: .errorWall],
          "the error of one recurrent unit, and gradient descent with and without clipping"
        ).excludes("check").typed("wall", "exploding-gradients")
      },
      SettingGroup("a network before training") {
        Setting(
          flag: "untrained", \.isUntrained,
          "gradients: a network with these options, as training would begin with it; the text has its vocabulary"
        ).needs("gradients").rule { _, given in
          given.has("model") ? nil : "needs a kind of network, as in --model lstm"
        }.typed("fresh", "random")
        Setting("model", \.network.kind, ModelKind.type, "its kind").stored(.model)
          .needs("untrained", as: "--untrained --model lstm").rule { values, _ in
            values.kind?.neural?.isRecurrent == true
              ? nil : "takes a network with recurrent layers: \(ModelKind.names(ModelKind.recurrent))"
          }
        ofNetwork
      },
      CommonSettings.group(\.common),
    ])
  }

  /// What `train` takes that decides a network's shape, its first weights and its vocabulary.
  private static var ofNetwork: [Setting<Self>] {
    let settings =
      TrainSettings.networks.settings.filter { !$0.option.models.isEmpty } + TrainSettings.cells.settings
      + [
        Setting(
          "context", \.context, .choice("WHAT"), "whether the context runs on across lines",
          default: .rule("stream") { _ in .stream }),
        Setting("seed", \.training.seed, .seed, "decides the first weights"),
      ] + (TextSettings.rules + [TextSettings.minimumCount]).map { $0.lifted(\.text) }
    return settings.map { $0.lifted(\.network).needs("untrained") }
  }
}
