using Orchestrator.Coordinator.Templates.Values;

namespace Orchestrator.Coordinator.Templates.Evaluation;

/// <summary>The loop variable: it walks the elements and looks at most one ahead, until something asks for the length.</summary>
/// <remarks>Changes as its loop goes on; one rendering.</remarks>
internal sealed class LoopValue : Value
{
    private static readonly Parameters CycleParameters = Parameters.Of("LoopContext.cycle", "*");
    private static readonly Parameters ChangedParameters = Parameters.Of("LoopContext.changed", "*");
    private static readonly Parameters RecurseParameters = Parameters.Of("LoopContext.__call__", "iterable");

    private readonly Budget _budget;
    private readonly int? _knownLength;
    private readonly int _depth0;
    private readonly Func<Value, int, Value>? _recurse;
    private IEnumerator<Value> _elements;
    private int _index0 = -1;
    private int? _length;
    private Value? _ahead;
    private Value? _current;
    private Value? _before;
    private Value? _lastChanged;

    /// <param name="elements">What is walked.</param>
    /// <param name="length">Its length, if Python would know it beforehand.</param>
    /// <param name="depth0">How many recursive calls are around.</param>
    /// <param name="recurse">Runs the loop's body over something else, one level deeper; null unless the loop is recursive.</param>
    /// <param name="budget">The rendering's.</param>
    public LoopValue(IEnumerable<Value> elements, int? length, int depth0, Func<Value, int, Value>? recurse, Budget budget)
    {
        _elements = elements.GetEnumerator();
        _knownLength = length;
        _depth0 = depth0;
        _recurse = recurse;
        _budget = budget;
    }

    public override string TypeName => "LoopContext";

    public override string ObjectName => "jinja2.runtime.LoopContext object";

    public override bool IsTrue => CountAll() > 0;

    public override bool IsCallable => true;

    public override int? Length => CountAll();

    /// <summary>Goes to the next element; null at the end.</summary>
    public Value? Next()
    {
        var next = _ahead ?? (_elements.MoveNext() ? _elements.Current : null);
        _ahead = null;
        if (next is not null)
        {
            _index0++;
            _before = _current;
            _current = next;
        }

        return next;
    }

    public override IEnumerable<Value> Iterate(Budget budget)
    {
        while (Next() is { } element)
        {
            yield return new TupleValue([element, this]);
        }
    }

    public override Value? Attribute(string name) => name switch
    {
        "index" => IntValue.Of(_index0 + 1),
        "index0" => IntValue.Of(_index0),
        "revindex" => IntValue.Of(CountAll() - _index0),
        "revindex0" => IntValue.Of(CountAll() - _index0 - 1),
        "first" => BoolValue.Of(_index0 == 0),
        "last" => BoolValue.Of(Peek() is null),
        "length" => IntValue.Of(CountAll()),
        "depth" => IntValue.Of(_depth0 + 1),
        "depth0" => IntValue.Of(_depth0),
        "previtem" => _index0 == 0 ? UndefinedValue.Hint("there is no previous item") : _before ?? UndefinedValue.Hint("there is no previous item"),
        "nextitem" => Peek() ?? UndefinedValue.Hint("there is no next item"),
        "cycle" => new FunctionValue("method", CycleParameters, Cycle),
        "changed" => new FunctionValue("method", ChangedParameters, Changed),
        _ => null,
    };

    public override Value Call(Arguments arguments, RenderContext context)
    {
        var iterable = RecurseParameters.Bind(arguments, context)[0];
        return _recurse is null
            ? throw new TemplateException(TemplateErrorKind.Type, "The loop must have the 'recursive' marker to be called recursively.")
            : _recurse(iterable, _depth0 + 1);
    }

    public override void Repr(ReprWriter writer) => writer.Write($"<LoopContext {_index0 + 1}/{CountAll()}>");

    private Value Cycle(BoundArguments bound) => bound.Rest.Count > 0 ? bound.Rest[_index0 % bound.Rest.Count]
        : throw new TemplateException(TemplateErrorKind.Type, "no items for cycling given");

    private BoolValue Changed(BoundArguments bound)
    {
        var value = new TupleValue(bound.Rest);
        var changed = _lastChanged is null || !Comparison.AreEqual(_lastChanged, value, _budget);
        _lastChanged = changed ? value : _lastChanged;
        return BoolValue.Of(changed);
    }

    private Value? Peek() => _ahead ??= _elements.MoveNext() ? _elements.Current : null;

    private int CountAll()
    {
        if (_length is null && _knownLength is null)
        {
            var rest = new List<Value>();
            while (_elements.MoveNext())
            {
                _budget.AllocateElements(1);
                rest.Add(_elements.Current);
            }

            _elements = rest.GetEnumerator();
            _length = rest.Count + _index0 + 1 + (_ahead is null ? 0 : 1);
        }

        return _knownLength ?? _length!.Value;
    }
}
