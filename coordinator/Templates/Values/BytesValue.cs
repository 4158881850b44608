using System.Text;

namespace Orchestrator.Coordinator.Templates.Values;

/// <summary>Python's bytes: only str.encode makes them, and they can only be shown, measured, compared and asked for an element; the rest is refused by name.</summary>
internal sealed class BytesValue(byte[] bytes) : Value
{
    private static readonly HashSet<string> Methods = new(StringComparer.Ordinal)
    {
        "capitalize", "center", "count", "decode", "endswith", "expandtabs", "find", "fromhex", "hex", "index", "isalnum", "isalpha", "isascii", "isdigit", "islower", "isspace",
        "istitle", "isupper", "join", "ljust", "lower", "lstrip", "maketrans", "partition", "removeprefix", "removesuffix", "replace", "rfind", "rindex", "rjust", "rpartition",
        "rsplit", "rstrip", "split", "splitlines", "startswith", "strip", "swapcase", "title", "translate", "upper", "zfill",
    };

    public byte[] Bytes { get; } = bytes;

    public override string TypeName => "bytes";

    public override bool IsTrue => Bytes.Length > 0;

    public override int? Length => Bytes.Length;

    public override IEnumerable<Value> Iterate(Budget budget) => Bytes.Select(b => IntValue.Of(b));

    public override Value? Item(Value key, Budget budget) =>
        IntValue.TryGet(key, out var index) && (index < 0 ? index + Bytes.Length : index) is var at && at >= 0 && at < Bytes.Length ? IntValue.Of(Bytes[(int)at]) : null;

    /// <exception cref="TemplateException">Python's bytes have it; here it is not supported.</exception>
    public override Value? Attribute(string name) => Methods.Contains(name)
        ? throw new TemplateException(TemplateErrorKind.Unsupported, $"bytes.{name} is not supported here: keep the text as it is before str.encode") : null;

    public override void Repr(ReprWriter writer)
    {
        var quote = Array.IndexOf(Bytes, (byte)'\'') >= 0 && Array.IndexOf(Bytes, (byte)'"') < 0 ? '"' : '\'';
        var text = new StringBuilder("b").Append(quote);
        foreach (var b in Bytes)
        {
            _ = (char)b switch
            {
                '\\' => text.Append("\\\\"),
                '\n' => text.Append("\\n"),
                '\r' => text.Append("\\r"),
                '\t' => text.Append("\\t"),
                var c when c == quote => text.Append('\\').Append(c),
                var c and >= ' ' and < (char)127 => text.Append(c),
                _ => text.Append("\\x").Append(b.ToString("x2")),
            };
        }

        writer.Write(text.Append(quote).ToString());
    }
}
