namespace Orchestrator.Integration.Tests.Processes;

/// <summary>Tests that measure, act at a moment of a run, or train for minutes: one after the other, when no other test runs.</summary>
[CollectionDefinition(nameof(Alone), DisableParallelization = true)]
public sealed class Alone;
