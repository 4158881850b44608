using System.Runtime.CompilerServices;
using Orchestrator.Coordinator.Templates.Values;

namespace Orchestrator.Coordinator.Templates;

/// <summary>What is left of one rendering's limits; every operation that can grow pays here before it works.</summary>
/// <remarks>One a rendering, one thread. All refusals are <see cref="TemplateErrorKind.Limit"/>.</remarks>
internal sealed class Budget
{
    private readonly TemplateLimits _limits;
    private long _steps;
    private long _units;
    private int _depth;

    public Budget(TemplateLimits limits)
    {
        _limits = limits;
        _steps = limits.Steps;
        _units = limits.AllocatedUnits;
        Keys = new KeyComparer(this);
    }

    /// <summary>Steps that were paid for; more than there were where the limit was reached.</summary>
    public long StepsTaken => _limits.Steps - _steps;

    public int OutputLength => _limits.OutputLength;

    /// <summary>Equality of dictionary keys as Python has it, paid for from this budget.</summary>
    public KeyComparer Keys { get; }

    public void Step(long count = 1)
    {
        if ((_steps -= count) < 0)
        {
            throw Exhausted($"more than {_limits.Steps} steps");
        }
    }

    /// <summary>Pays for <paramref name="characters"/> new characters, before they are made.</summary>
    public void Allocate(long characters)
    {
        if (characters > _units)
        {
            throw Exhausted($"more than {_limits.AllocatedUnits} units of memory");
        }

        _units -= characters;
        Step(characters >> 6);
    }

    /// <summary>Pays for <paramref name="elements"/> new elements of a list or dict, before they are made.</summary>
    public void AllocateElements(long elements)
    {
        if (elements > _units >> 3)
        {
            throw Exhausted($"more than {_limits.AllocatedUnits} units of memory");
        }

        _units -= elements << 3;
        Step(elements >> 2);
    }

    public void Enter()
    {
        if (++_depth > _limits.Depth || !RuntimeHelpers.TryEnsureSufficientExecutionStack())
        {
            throw Exhausted($"deeper than {_limits.Depth} levels (maximum recursion depth exceeded)");
        }
    }

    public void Leave() => _depth--;

    /// <summary>The nesting now; whoever catches an exception of the engine sets it back.</summary>
    public int Depth
    {
        get => _depth;
        set => _depth = value;
    }

    public static TemplateException Exhausted(string what) =>
        new(TemplateErrorKind.Limit, $"the template needs {what}, which a chat template may not.");
}
