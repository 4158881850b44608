namespace Orchestrator.Coordinator.Datasets;

/// <summary>What kinds of things a person should know of single rows that were taken nevertheless.</summary>
internal enum RemarkCode
{
    JsonLinesInJson,
    ObjectInsteadOfArray,
    DuplicateKey,
    LoneSurrogate,
    EmptyAnswer,
    EmptyRow,
    SpecialTokenText,
    UnusedField,
    DoubledBos,
}
