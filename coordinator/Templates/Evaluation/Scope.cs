using Orchestrator.Coordinator.Templates.Syntax;
using Orchestrator.Coordinator.Templates.Values;

namespace Orchestrator.Coordinator.Templates.Evaluation;

/// <summary>Variables of a frame at work, on top of those around it; an assignment stays in its own scope.</summary>
internal sealed class Scope
{
    private readonly Scope? _outer;
    private readonly IReadOnlySet<string>? _unset;
    private readonly VariableTable _variables;

    /// <param name="outer">The variables around it.</param>
    /// <param name="frame">Whose variables they are; null: nobody's, as those that a template is given.</param>
    public Scope(Scope? outer, FrameBody? frame = null)
        : this(outer, frame?.Unset, new VariableTable())
    {
    }

    private Scope(Scope? outer, IReadOnlySet<string>? unset, VariableTable variables)
    {
        _outer = outer;
        _unset = unset;
        _variables = variables;
    }

    /// <summary>The value of a name; null if it has none, also where a frame sets it only later.</summary>
    public Value? Find(string name)
    {
        for (var scope = this; scope is not null; scope = scope._outer)
        {
            if (scope._variables.Find(name) is { } value)
            {
                return value;
            }

            if (scope._unset is { } unset && unset.Contains(name))
            {
                return null;
            }
        }

        return null;
    }

    public void Set(string name, Value value) => _variables.Set(name, value);

    /// <summary>Whether this scope itself binds the name.</summary>
    public bool Holds(string name) => _variables.Find(name) is not null;

    /// <summary>The same variables as a block sees them: it looks names up when it runs, so what is not set yet hides nothing.</summary>
    public Scope AsContext() => new(_outer?.AsContext(), null, _variables);
}
