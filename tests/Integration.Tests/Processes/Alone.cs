namespace Orchestrator.Integration.Tests.Processes;

/// <summary>Tests that measure, or act at a moment of a run: one after the other, when no other test runs.</summary>
[CollectionDefinition(nameof(Alone), DisableParallelization = true)]
public sealed class Alone;
