namespace Orchestrator.Coordinator.Jobs;

/// <summary>What is trained: PEFT's names and meanings.</summary>
internal sealed record AdapterSpec
{
    public required int R { get; init; }
    public required double LoraAlpha { get; init; }
    public required double LoraDropout { get; init; }
    public required ModuleSelection TargetModules { get; init; }

    /// <summary>What is left out; empty: nothing.</summary>
    public required ModuleSelection ExcludeModules { get; init; }

    /// <summary>Layers that get adapters; null: all.</summary>
    public required ValueList<int>? LayersToTransform { get; init; }

    public required ValueMap<int> RankPattern { get; init; }
    public required ValueMap<double> AlphaPattern { get; init; }
    public required bool UseRslora { get; init; }

    /// <summary>A PEFT adapter folder to start from (absolute), from which r and the rest come; null: a fresh adapter.</summary>
    public required string? InitFrom { get; init; }
}
