import NeuralModels

/// The page that `lmctl help models` shows: the equations of all models, and who means what by the names in them.
enum ModelsPage {
  static let name = "models"
  static let summary = "the equations of the models, and the conventions that differ"

  static var text: String {
    "lmctl help models: \(summary)\n\n" + notation
      + ModelKind.allCases.map { "\n\($0.rawValue)\n" + equations($0) }.joined() + softmaxes + conventions
  }

  private static let notation = """
    x what a layer is given at a step, h what it gave at the step before, c its
    cell, h' and c' the new ones; s(a) = 1 / (1 + exp(-a)); * element by element.
    W multiplies x, U multiplies h, b is a bias.

    """

  private static func equations(_ kind: ModelKind) -> String {
    switch kind {
    case .ngram: ngram
    case .bag: bag
    case .network(.nnlm): nnlm
    case .network(.rnn): rnn
    case .network(.gru): gru
    case .network(.lstm): lstm
    case .network(.sru): sru
    case .network(.qrnn): qrnn
    case .network(.mingru): mingru
    case .network(.minlstm): minlstm
    }
  }

  private static let ngram = """
      p(w | h) = alpha(h, w) + gamma(h) p(w | h without its first word)
      See --smoothing. With --task classify, a model for each label c:
      p(c | text) = p(c) p(text | c) / sum over all labels

    """

  private static let bag = """
      y = (x_1 + ... + x_n) / n, of the embeddings of words and n-grams of words
      Only with --task classify (Joulin et al. 2017). With --word-ngrams 2 and
      more, other networks have this y beside the vector of their layers.

    """

  private static let nnlm = """
      h' = tanh(x W + b), x the embeddings of the last --order - 1 tokens
      --direct            (h', x) goes to the softmax (Bengio et al. 2003)

    """

  private static let rnn = """
      h' = tanh(x W + h U + b)                      Elman 1990
      --activation F      s, or relu = max(0, .), in the place of tanh
      --residual-time     h' = tanh(x W + h U + b) + h
      --activation relu --recurrent-init identity   IRNN, Le et al. 2015

    """

  private static let gru = """
      r = s(x Wr + h Ur + br)                       reset
      z = s(x Wz + h Uz + bz)                       update: the share that is kept
      n = tanh(x Wn + bn + r * (h Un + bu))         candidate
      h' = (1 - z) * n + z * h                      Cho et al. 2014
      --gru-reset before  n = tanh(x Wn + bn + (r * h) Un)
      --gru-reset none    n = tanh(x Wn + bn + h Un)
      --minimal           one gate f = 1 - z: n = tanh(x Wn + bn + (f * h) Un);
                          Zhou et al. 2016
      --fix-gate          reset=1,update=0 is the rnn; reset=0,update=0 has no memory

    """

  private static let lstm = """
      i, f, o = s(x W + h U + b)                    input, forget, output gate
      g = tanh(x Wg + h Ug + bg)                    candidate
      c' = f * c + i * g
      h' = o * tanh(c')                             Gers et al. 2000
      --peepholes         i and f see p * c, o sees p * c'
      --ablate nig, nfg, nog     i, f, o = 1        Greff et al. 2017
               niaf, noaf        g and c' without tanh
               cifg              f = 1 - i
               fgr               i, f, o see i, f, o of the step before
      --projection N      h' = (o * tanh(c')) P     Sak et al. 2014
      --layer-norm        x W and h U are normalized over all gates of a row, and
                          c' for h'                 Ba et al. 2016
      --mogrifier R       x = 2 s(h Q) * x, h = 2 s(x Q') * h, ... before each
                          step, R times in all      Melis et al. 2020
      --zoneout-cell, --zoneout-hidden              elements stay as they were;
                          Krueger et al. 2017

    """

  private static let sru = """
      f = s(x Wf + vf * c + bf), r = s(x Wr + vr * c + br)
      c' = f * c + (1 - f) * x W
      h' = r * c' + (1 - r) * x                     Lei et al. 2018

    """

  private static let qrnn = """
      x the inputs of the last --qrnn-window steps in the first layer
      z = tanh(x Wz + bz), f = s(x Wf + bf), o = s(x Wo + bo)
      c' = f * c + (1 - f) * z
      h' = o * c'                                   Bradbury et al. 2017

    """

  private static let mingru = """
      z = s(x Wz + bz)                              the share that is taken
      h' = (1 - z) * h + z * (x W + b)              Feng et al. 2024

    """

  private static let minlstm = """
      f = s(x Wf + bf), i = s(x Wi + bi)
      h' = (f * h + i * (x W + b)) / (f + i)        Feng et al. 2024

    """

  private static let softmaxes = """

    classifiers (--task classify; y_t what the last layer gives at step t)
      --pool last         v = y_n; of the backward direction y_1
             max, mean    v = the largest, the mean of each element of y_t
             attention    v = sum of a_t y_t, a = softmax_t(q tanh(y_t W + b));
                          Yang et al. 2016
      p(c) = softmax(v W + b); with --multi-label p(c) = s(v W + b)
      --bidirectional     y_t = (forward_t, backward_t)  Schuster and Paliwal 1997

    translators (--task translate; e_i what the encoder gives at token i of the
    source, h_t what the decoder's layers give at token t, f_t what the softmax is
    given; the decoder begins with the state that the encoder ends with, or with
    tanh(state W + b) where sizes differ)
      --attention none    f_t = h_t                 Sutskever et al. 2014
                  dot     s_ti = h_t . e_i          Luong et al. 2015
                  general s_ti = h_t . (e_i W)
                  additive  s_ti = v . tanh(h_t Q + e_i W + b)
                                                    Bahdanau et al. 2015
      a_t = softmax(s_t), c_t = sum of a_ti e_i, f_t = tanh((h_t, c_t) C + d)
      --input-feeding     x_t = (E[y_t-1], f_t-1) in the place of E[y_t-1]
      lmctl translate     the best of ln p / L^A, or by ((5 + L)/6)^A
      --coverage B        plus B sum over i of ln min(sum over t of a_ti, 1)
                                                    Wu et al. 2016

    softmax (of networks; y what the last layer gives, V tokens)
      --softmax full      p(w) = softmax(y W + b)
      --softmax adaptive  a root with the frequent tokens and the clusters of the
                          others: p(w) = root(w), or root(C) * softmax(y PC WC + bC)
                          for w in cluster C (Grave et al. 2017)
      --softmax class     the same without tokens in the root: p(w) = p(C) p(w | C)
                          (Goodman 2001)
      --softmax sampled   as full; in training over the target and a sample S, of
                          y W + b - ln Q, Q(w) how likely w is in S (Jean et al.
                          2015)
      --tie               W is the embeddings, transposed (Press and Wolf 2017)
      --label-smoothing   training aims at 1 - e for the target and e / V for all

    """ + "\n"

  private static let conventions = """

    Who means what by a GRU:
                              reset    z is the share   biases of
                                       that is          the candidate
      lmctl, cuDNN, PyTorch,
      Keras (reset_after)     after    kept             two
      CS224n's notes          after    kept             none
      Cho 2014, ONNX, d2l     before   kept             one
      Ng                      before   taken            one
      Ng, simplified          none     taken            one
    A unit that takes z is one that keeps 1 - z: Wz, Uz and bz change their signs.
    With the reset before the product a GRU is another model than with it after.
    Checkpoints of lmctl keep z.

    Who means what by an LSTM: PyTorch's has no peepholes; Greff et al. begin with
    --peepholes, and what they call NP is it without.

    """
}
