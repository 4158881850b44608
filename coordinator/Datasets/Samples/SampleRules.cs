using Orchestrator.Coordinator.Jobs;

namespace Orchestrator.Coordinator.Datasets;

/// <summary>What decides which samples stay and how long they are.</summary>
/// <param name="MaxLength">Longest sample in tokens.</param>
/// <param name="Truncation">What happens to a longer one.</param>
/// <param name="KeepUnlabelled">Samples without a label token stay: sample i is row i.</param>
internal sealed record SampleRules(int MaxLength, Truncation Truncation, bool KeepUnlabelled);
