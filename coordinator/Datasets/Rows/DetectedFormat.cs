using Orchestrator.Coordinator.Jobs;

namespace Orchestrator.Coordinator.Datasets;

/// <summary>The format of a file's rows.</summary>
/// <param name="Format">The format.</param>
/// <param name="Reason">Why, to follow "the first row".</param>
/// <param name="Fields">The rows' own names of its fields.</param>
internal sealed record DetectedFormat(DataFormat Format, string Reason, ValueMap<string> Fields);
