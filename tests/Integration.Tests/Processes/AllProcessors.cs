namespace Orchestrator.Integration.Tests.Processes;

/// <summary>Tests that train on all processors, measure memory, or act at a moment of a run: one after the other, when no other test runs.</summary>
[CollectionDefinition(nameof(AllProcessors), DisableParallelization = true)]
public sealed class AllProcessors;
