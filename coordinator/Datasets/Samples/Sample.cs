namespace Orchestrator.Coordinator.Datasets;

/// <summary>A row as the model sees it.</summary>
/// <param name="Text">What was tokenized; empty where the row brought ids.</param>
/// <param name="InputIds">The token ids.</param>
/// <param name="Labels">For each token its own id where it carries loss, else -100.</param>
internal sealed record Sample(string Text, int[] InputIds, int[] Labels);
