using System.Text.Json;

namespace Orchestrator.Coordinator.Datasets;

/// <summary>Says in a few words why bytes are no JSON value.</summary>
internal static class JsonFault
{
    public const int MaxDepth = 64;

    /// <summary>The sentence of a parser's refusal.</summary>
    /// <param name="json">The bytes that were parsed.</param>
    /// <param name="column">Bytes before them on their first line.</param>
    /// <param name="exception">What the parser threw.</param>
    public static RowException Of(ReadOnlySpan<byte> json, long column, JsonException exception)
    {
        var line = exception.LineNumber ?? 0;
        var at = IndexOf(json, line, exception.BytePositionInLine ?? 0);
        var place = $"(byte {at - StartOfLine(json, at) + (line == 0 ? column : 0) + 1} of the line)";
        return new RowException($"it is not valid JSON: {Reason(json, at)} {place}", line, exception);
    }

    public static RowException TextAfterValue(ReadOnlySpan<byte> json, int at, long column)
    {
        var start = StartOfLine(json, at);
        return new RowException($"it is not valid JSON: there is text after the JSON object (byte {at - start + (start == 0 ? column : 0) + 1} of the line)", json[..at].Count((byte)'\n'));
    }

    private static string Reason(ReadOnlySpan<byte> json, int at)
    {
        var rest = json[at..];
        if (!rest.ContainsAnyExcept(" \t\r\n"u8))
        {
            return "it ends early";
        }

        if (rest.StartsWith("NaN"u8) || rest.StartsWith("Infinity"u8) || rest.StartsWith("-I"u8) || (rest[0] == 'I' && at > 0 && json[at - 1] == '-'))
        {
            return "NaN and Infinity are not JSON (Python writes them); use null or leave the field out";
        }

        if (Depth(json[..at]) >= MaxDepth)
        {
            return $"it is nested too deeply, more than {MaxDepth} levels";
        }

        var before = json[..at].TrimEnd(" \t\r\n"u8);
        return rest[0] is (byte)'}' or (byte)']' && before.EndsWith(","u8) ? "a comma stands before a closing bracket" : "something else is expected here";
    }

    private static int IndexOf(ReadOnlySpan<byte> json, long line, long position)
    {
        var start = 0;
        for (; line > 0; line--)
        {
            var feed = json[start..].IndexOf((byte)'\n');
            if (feed < 0)
            {
                break;
            }

            start += feed + 1;
        }

        return (int)Math.Min(start + position, json.Length);
    }

    private static int StartOfLine(ReadOnlySpan<byte> json, int at) => json[..at].LastIndexOf((byte)'\n') + 1;

    private static int Depth(ReadOnlySpan<byte> json)
    {
        var (depth, isText) = (0, false);
        for (var i = 0; i < json.Length; i++)
        {
            switch (json[i])
            {
                case (byte)'\\' when isText:
                    i++;
                    break;
                case (byte)'"':
                    isText = !isText;
                    break;
                case (byte)'{' or (byte)'[' when !isText:
                    depth++;
                    break;
                case (byte)'}' or (byte)']' when !isText:
                    depth--;
                    break;
            }
        }

        return depth;
    }
}
