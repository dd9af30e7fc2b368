import LanguageModels
import ProcessSupport

/// What becomes of the program when the system refuses it memory that no plan foresaw: one sentence, and exit status 1.
enum MemoryRefusal {
  /// From now on, the sentence closes with `remedy`.
  static func advise(_ remedy: String = "raise the limit (ulimit -v), free some, or do with a smaller model")
  {
    process_refuse_memory(remedy, { Terminal.stamp() }, { TemporaryFiles.deleteAll() })
  }
}
