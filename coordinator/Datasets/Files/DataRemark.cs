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

/// <summary>Something to know of a row that was taken.</summary>
/// <param name="Code">Its kind.</param>
/// <param name="Place">The row.</param>
/// <param name="Text">Part of a sentence, to follow the row's place.</param>
internal readonly record struct DataRemark(RemarkCode Code, RecordPlace Place, string Text);
