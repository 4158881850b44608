using Orchestrator.Coordinator.Templates.Evaluation;

namespace Orchestrator.Coordinator.Templates.Values;

/// <summary>A Python object as far as templates can tell: immutable unless it says otherwise.</summary>
/// <remarks>
/// "Null" in the results below is Python's TypeError, LookupError or AttributeError: the sandbox turns it into an undefined value.
/// Whatever costs more than a constant takes the budget of the rendering.
/// </remarks>
internal abstract class Value
{
    /// <summary>Python's <c>type(x).__name__</c>.</summary>
    public abstract string TypeName { get; }

    /// <summary>How Jinja names the object in "has no attribute" messages.</summary>
    public virtual string ObjectName => TypeName + " object";

    public virtual bool IsTrue => true;

    public virtual bool IsCallable => false;

    /// <summary><c>len(x)</c>, or null where it has none.</summary>
    public virtual int? Length => null;

    /// <summary><c>iter(x)</c>, or null where it is not iterable.</summary>
    public virtual IEnumerable<Value>? Iterate(Budget budget) => null;

    /// <summary><c>x[key]</c>, or null.</summary>
    public virtual Value? Item(Value key, Budget budget) => null;

    /// <summary><c>x.name</c> for the names a template may use, or null.</summary>
    public virtual Value? Attribute(string name) => null;

    /// <summary>Writes <c>repr(x)</c>.</summary>
    public abstract void Repr(ReprWriter writer);

    /// <summary><c>str(x)</c>.</summary>
    public virtual string ToText(Budget budget)
    {
        var writer = new ReprWriter(budget);
        writer.Write(this);
        return writer.ToString();
    }

    public virtual Value Call(Arguments arguments, RenderContext context) =>
        throw new TemplateException(TemplateErrorKind.Type, $"'{TypeName}' object is not callable");

    /// <summary><c>iter(x)</c>, or Python's error.</summary>
    public IEnumerable<Value> Elements(Budget budget) =>
        Iterate(budget) ?? throw new TemplateException(TemplateErrorKind.Type, $"'{TypeName}' object is not iterable");

    /// <summary><c>list(x)</c>, paid for.</summary>
    public List<Value> ToList(Budget budget)
    {
        var list = new List<Value>();
        foreach (var element in Elements(budget))
        {
            budget.AllocateElements(1);
            budget.Step();
            list.Add(element);
        }

        return list;
    }
}
