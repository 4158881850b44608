namespace Orchestrator.Coordinator.Datasets;

/// <summary>Something to know of a row that was taken.</summary>
/// <param name="Code">Its kind.</param>
/// <param name="Place">The row.</param>
/// <param name="Text">Part of a sentence, to follow the row's place.</param>
internal readonly record struct DataRemark(RemarkCode Code, RecordPlace Place, string Text);
