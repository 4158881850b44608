using System.Collections.Immutable;

namespace Orchestrator.Coordinator.Runs;

/// <summary>The steps that were committed since the newest checkpoint, its own step included: what a repeated step is compared with.</summary>
/// <remarks>Immutable and compared by value.</remarks>
internal sealed class StepLedger : IEquatable<StepLedger>
{
    public static readonly StepLedger Empty = new(ImmutableSortedDictionary<ulong, StepCommitted>.Empty);

    private readonly ImmutableSortedDictionary<ulong, StepCommitted> _steps;

    private StepLedger(ImmutableSortedDictionary<ulong, StepCommitted> steps) => _steps = steps;

    /// <summary>The step as it was committed; null: it was not, or a newer checkpoint has replaced it.</summary>
    public StepCommitted? this[ulong step] => _steps.GetValueOrDefault(step);

    public StepLedger With(StepCommitted step) => new(_steps.SetItem(step.Step, step));

    /// <summary>Without the steps before a checkpoint's.</summary>
    public StepLedger From(ulong checkpoint) => new(_steps.RemoveRange(_steps.Keys.TakeWhile(step => step < checkpoint)));

    public bool Equals(StepLedger? other) => other is not null && _steps.SequenceEqual(other._steps);

    public override bool Equals(object? obj) => Equals(obj as StepLedger);

    public override int GetHashCode() => _steps.Count;
}
