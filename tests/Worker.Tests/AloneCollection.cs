namespace Orchestrator.Worker.Tests;

/// <summary>Tests that look at the whole process: nothing runs beside them.</summary>
[CollectionDefinition(nameof(AloneCollection), DisableParallelization = true)]
public sealed class AloneCollection;
