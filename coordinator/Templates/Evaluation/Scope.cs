using Orchestrator.Coordinator.Templates.Values;

namespace Orchestrator.Coordinator.Templates.Evaluation;

/// <summary>Variables of a block, on top of those around it; an assignment stays in its own scope.</summary>
/// <remarks>Most scopes are a loop's round with two or three names: they are searched in order until there are more.</remarks>
internal sealed class Scope(Scope? parent)
{
    private const int MaxSearched = 8;

    private (string Name, Value Value)[] _few = [];
    private int _count;
    private Dictionary<string, Value>? _many;

    private Scope? Outer => parent;

    public Value? Find(string name)
    {
        for (var scope = this; scope is not null; scope = scope.Outer)
        {
            if (scope.FindHere(name) is { } value)
            {
                return value;
            }
        }

        return null;
    }

    public void Set(string name, Value value)
    {
        if (_many is not null)
        {
            _many[name] = value;
            return;
        }

        for (var i = 0; i < _count; i++)
        {
            if (_few[i].Name == name)
            {
                _few[i].Value = value;
                return;
            }
        }

        if (_count == MaxSearched)
        {
            _many = _few.ToDictionary(v => v.Name, v => v.Value, StringComparer.Ordinal);
            _many[name] = value;
            return;
        }

        if (_count == _few.Length)
        {
            Array.Resize(ref _few, _count == 0 ? 2 : MaxSearched);
        }

        _few[_count++] = (name, value);
    }

    /// <summary>Whether this scope itself binds the name.</summary>
    public bool Holds(string name) => FindHere(name) is not null;

    private Value? FindHere(string name)
    {
        if (_many is not null)
        {
            return _many.GetValueOrDefault(name);
        }

        for (var i = 0; i < _count; i++)
        {
            if (_few[i].Name == name)
            {
                return _few[i].Value;
            }
        }

        return null;
    }
}
