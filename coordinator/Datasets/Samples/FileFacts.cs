using Orchestrator.Coordinator.Jobs;

namespace Orchestrator.Coordinator.Datasets;

/// <summary>How a file was read.</summary>
/// <param name="Format">The format of its rows.</param>
/// <param name="Reason">What about its first row tells so; empty where the job says so.</param>
/// <param name="LossOn">What carries loss.</param>
/// <param name="Rows">Its rows.</param>
internal sealed record FileFacts(DataFormat Format, string Reason, LossOn LossOn, long Rows);
