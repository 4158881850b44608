using System.Text;
using Orchestrator.Coordinator.Templates.Filters;
using Orchestrator.Coordinator.Templates.Values;

namespace Orchestrator.Coordinator.Templates.Text;

/// <summary>Python's json.dumps.</summary>
internal sealed class JsonWriter(JsonStyle style, Budget budget)
{
    private readonly StringBuilder _text = new();

    public override string ToString() => _text.ToString();

    public void Write(Value value, int level)
    {
        budget.Enter();
        budget.Step();
        switch (value)
        {
            case StrValue text:
                WriteText(text.Text);
                break;
            case NoneValue:
                Append("null");
                break;
            case BoolValue truth:
                Append(truth.IsTrue ? "true" : "false");
                break;
            case IntValue integer:
                Append(IntValue.Digits(integer.Number));
                break;
            case FloatValue number:
                Append(Float(number.Number));
                break;
            case ListValue or TupleValue:
                WriteItems('[', ']', value.Iterate(budget)!, level, item => Write(item, level + 1));
                break;
            case DictValue dict:
                WriteItems('{', '}', Entries(dict), level, entry => WriteEntry(entry, level + 1));
                break;
            default:
                throw new TemplateException(TemplateErrorKind.Type, $"Object of type {value.TypeName} is not JSON serializable");
        }

        budget.Leave();
    }

    private void WriteItems<T>(char open, char close, IEnumerable<T> items, int level, Action<T> write)
    {
        _text.Append(open);
        var first = true;
        foreach (var item in items)
        {
            Append(first ? "" : style.ItemSeparator);
            NewLine(level + 1);
            write(item);
            first = false;
        }

        if (!first)
        {
            NewLine(level);
        }

        _text.Append(close);
    }

    private void WriteEntry(KeyValuePair<Value, Value> entry, int level)
    {
        WriteText(entry.Key switch
        {
            StrValue text => text.Text,
            BoolValue truth => truth.IsTrue ? "true" : "false",
            NoneValue => "null",
            IntValue integer => IntValue.Digits(integer.Number),
            FloatValue number => Float(number.Number),
            var key => throw new TemplateException(TemplateErrorKind.Type, $"keys must be str, int, float, bool or None, not {key.TypeName}"),
        });
        Append(style.KeySeparator);
        Write(entry.Value, level);
    }

    private IEnumerable<KeyValuePair<Value, Value>> Entries(DictValue dict) => style.SortKeys
        ? OrderFilters.Sorted(dict.ToList(budget), key => key, reverse: false, budget).Select(key => KeyValuePair.Create(key, dict.Get(key)!))
        : dict.Entries;

    private void NewLine(int level)
    {
        if (style.Indent is null)
        {
            return;
        }

        Append("\n");
        for (var i = 0; i < level; i++)
        {
            Append(style.Indent);
        }
    }

    private void WriteText(string text)
    {
        budget.Allocate(text.Length + 2);
        _text.Append('"');
        foreach (var c in text)
        {
            switch (c)
            {
                case '"' or '\\':
                    _text.Append('\\').Append(c);
                    break;
                case '\n':
                    _text.Append("\\n");
                    break;
                case '\r':
                    _text.Append("\\r");
                    break;
                case '\t':
                    _text.Append("\\t");
                    break;
                case '\b':
                    _text.Append("\\b");
                    break;
                case '\f':
                    _text.Append("\\f");
                    break;
                default:
                    _ = c < ' ' || (style.AsciiOnly && c > '~') ? _text.Append("\\u").Append(((int)c).ToString("x4")) : _text.Append(c);
                    break;
            }
        }

        _text.Append('"');
    }

    private static string Float(double number) =>
        double.IsFinite(number) ? FloatText.Repr(number) : double.IsNaN(number) ? "NaN" : number > 0 ? "Infinity" : "-Infinity";

    private void Append(string text)
    {
        budget.Allocate(text.Length);
        _text.Append(text);
    }
}
