using System.Text;

namespace Orchestrator.Coordinator.Templates.Values;

/// <summary>Collects a repr within the budget, however deep or shared the data is.</summary>
internal sealed class ReprWriter(Budget budget)
{
    private readonly StringBuilder _text = new();

    public Budget Budget => budget;

    public void Write(string text)
    {
        budget.Allocate(text.Length);
        _text.Append(text);
    }

    public void Write(Value value)
    {
        budget.Enter();
        budget.Step();
        value.Repr(this);
        budget.Leave();
    }

    public void WriteList(IEnumerable<Value> values)
    {
        var separator = "";
        foreach (var value in values)
        {
            Write(separator);
            Write(value);
            separator = ", ";
        }
    }

    public override string ToString() => _text.ToString();
}
