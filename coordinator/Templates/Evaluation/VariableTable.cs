using Orchestrator.Coordinator.Templates.Values;

namespace Orchestrator.Coordinator.Templates.Evaluation;

/// <summary>Names and their values.</summary>
/// <remarks>Most tables are those of a loop's round, with two or three names: they are searched in order until there are more.</remarks>
internal sealed class VariableTable
{
    private const int MaxSearched = 8;

    private (string Name, Value Value)[] _few = [];
    private int _count;
    private Dictionary<string, Value>? _many;

    public Value? Find(string name)
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
}
