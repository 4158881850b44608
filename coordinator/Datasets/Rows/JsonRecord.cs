using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Unicode;

namespace Orchestrator.Coordinator.Datasets;

/// <summary>Parses the bytes of a record as JSON whose texts are all valid Unicode.</summary>
internal static class JsonRecord
{
    private static readonly JsonReaderOptions Options = new() { MaxDepth = JsonFault.MaxDepth };

    /// <summary>Parses one JSON value; the caller disposes of it.</summary>
    /// <param name="json">The record.</param>
    /// <param name="place">Where it stands.</param>
    /// <param name="wasRepaired">A half of a surrogate pair was replaced by U+FFFD: no tokenizer takes one.</param>
    /// <exception cref="RowException">The bytes are not UTF-8 or no JSON value.</exception>
    public static JsonDocument Parse(ReadOnlyMemory<byte> json, RecordPlace place, out bool wasRepaired)
    {
        CheckEncoding(json.Span, place);
        var repaired = WithoutLoneSurrogates(json);
        wasRepaired = repaired is not null;
        var bytes = repaired is null ? json : repaired.AsMemory();
        try
        {
            var reader = new Utf8JsonReader(bytes.Span, Options);
            var document = JsonDocument.ParseValue(ref reader);
            var end = (int)reader.BytesConsumed;
            var rest = bytes.Span[end..].IndexOfAnyExcept(" \t\r\n"u8);
            if (rest < 0)
            {
                return document;
            }

            document.Dispose();
            throw JsonFault.TextAfterValue(bytes.Span, end + rest, place.Column);
        }
        catch (JsonException exception)
        {
            throw JsonFault.Of(bytes.Span, place.Column, exception);
        }
    }

    private static void CheckEncoding(ReadOnlySpan<byte> json, RecordPlace place)
    {
        if (Utf8.IsValid(json))
        {
            return;
        }

        var at = 0;
        while (Rune.DecodeFromUtf8(json[at..], out _, out var length) == System.Buffers.OperationStatus.Done)
        {
            at += length;
        }

        var start = json[..at].LastIndexOf((byte)'\n') + 1;
        throw new RowException(
            $"it is not valid UTF-8: byte 0x{json[at]:x2} at byte {at - start + (start == 0 ? place.Column : 0) + 1} of the line (byte offset {place.Offset + at} of the file)",
            json[..at].Count((byte)'\n'));
    }

    /// <summary>A copy in which every escape that is half of a surrogate pair reads \ufffd; null when there is none.</summary>
    private static byte[]? WithoutLoneSurrogates(ReadOnlyMemory<byte> json)
    {
        var source = json.Span;
        byte[]? copy = null;
        // Outside of texts a backslash is an error anyway, so every backslash begins an escape.
        for (var at = Next(source, 0); at >= 0; at = Next(source, at))
        {
            var unit = Unit(source, at);
            if (unit is not { } value || !char.IsSurrogate(value))
            {
                at += unit is null ? 2 : 6;
            }
            else if (char.IsHighSurrogate(value) && Unit(source, at + 6) is { } second && char.IsLowSurrogate(second))
            {
                at += 12;
            }
            else
            {
                copy ??= source.ToArray();
                "\\ufffd"u8.CopyTo(copy.AsSpan(at));
                at += 6;
            }
        }

        return copy;
    }

    private static int Next(ReadOnlySpan<byte> source, int from)
    {
        if (from >= source.Length)
        {
            return -1;
        }

        var found = source[from..].IndexOf((byte)'\\');
        return found < 0 ? -1 : from + found;
    }

    private static char? Unit(ReadOnlySpan<byte> source, int at)
        => at + 6 <= source.Length && source[at] == '\\' && source[at + 1] == 'u'
            && ushort.TryParse(source.Slice(at + 2, 4), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var unit) ? (char)unit : null;
}
