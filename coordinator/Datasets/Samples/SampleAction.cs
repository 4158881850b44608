namespace Orchestrator.Coordinator.Datasets;

/// <summary>Takes the sample of a batch.</summary>
internal delegate void SampleAction(int index, ReadOnlySpan<int> inputIds, ReadOnlySpan<int> labels);
