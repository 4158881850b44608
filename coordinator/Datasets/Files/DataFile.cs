using System.Text.Json;

namespace Orchestrator.Coordinator.Datasets;

/// <summary>Tells what kind of file a data file is, by its first bytes and its name, and opens it as records.</summary>
internal static class DataFile
{
    private static readonly Dictionary<string, string> NotBuilt = new(StringComparer.OrdinalIgnoreCase)
    {
        [".csv"] = "CSV",
        [".tsv"] = "CSV (tab-separated)",
        [".parquet"] = "Parquet",
        [".gz"] = "gzip",
        [".txt"] = "plain text",
        [".zst"] = "zstd",
        [".arrow"] = "Arrow",
    };

    /// <summary>Opens a file.</summary>
    /// <param name="path">The file.</param>
    /// <param name="remark">What a person should know of how it is read; null: nothing.</param>
    /// <exception cref="InvalidInputException">It is missing, empty, in another encoding or of a kind that is not built.</exception>
    public static RecordReader Open(string path, out DataRemark? remark)
    {
        var kind = KindOf(path);
        remark = kind switch
        {
            DataFileKind.LinesNamedJson => new DataRemark(RemarkCode.JsonLinesInJson, default, "the file is named .json but is JSON Lines; it is read line by line"),
            DataFileKind.ObjectOnOneLine or DataFileKind.Object =>
                new DataRemark(RemarkCode.ObjectInsteadOfArray, default, "the file is one object where an array of records is expected; it is read as one record"),
            _ => null,
        };
        return kind switch
        {
            DataFileKind.Array => new ArrayRecords(path),
            DataFileKind.Object => new SingleRecord(path),
            _ => new LineRecords(path),
        };
    }

    /// <summary>How a file is read: its name decides beside its bytes.</summary>
    /// <exception cref="InvalidInputException">It is missing, empty, in another encoding or of a kind that is not built.</exception>
    public static DataFileKind KindOf(string path)
    {
        Refuse(path);
        if (!Path.GetExtension(path).Equals(".json", StringComparison.OrdinalIgnoreCase))
        {
            return DataFileKind.Lines;
        }

        return FirstByte(path) == '[' ? DataFileKind.Array : LookAtFirstLine(path) switch
        {
            (IsWhole: true, IsAlone: false) => DataFileKind.LinesNamedJson,
            (IsWhole: true, IsAlone: true) => DataFileKind.ObjectOnOneLine,
            _ => DataFileKind.Object,
        };
    }

    private static void Refuse(string path)
    {
        Span<byte> head = stackalloc byte[4];
        using (var stream = FileWindow.Open(path))
        {
            head = head[..stream.ReadAtLeast(head, head.Length, throwOnEndOfStream: false)];
        }

        var kind = head.StartsWith("PAR1"u8) ? "Parquet" : head.StartsWith((ReadOnlySpan<byte>)[0x1F, 0x8B]) ? "gzip" : NotBuilt.GetValueOrDefault(Path.GetExtension(path));
        if (kind is not null)
        {
            throw new InvalidInputException($"{path}: reading {kind} files is not built yet; give JSON Lines (.jsonl) or a JSON array (.json).");
        }

        if (head.StartsWith((ReadOnlySpan<byte>)[0xFF, 0xFE]) || head.StartsWith((ReadOnlySpan<byte>)[0xFE, 0xFF]) || head.Contains((byte)0))
        {
            throw new InvalidInputException($"{path} looks like UTF-16, and UTF-8 is needed; convert it, e.g. with iconv -f UTF-16 -t UTF-8.");
        }
    }

    /// <summary>The first byte that is neither a byte order mark nor white space; 0: there is none.</summary>
    private static byte FirstByte(string path)
    {
        // Not by lines: an array may be one line, and larger than memory.
        using var file = new FileWindow(path);
        while (true)
        {
            var unread = file.Unread.Span;
            var at = unread.IndexOfAnyExcept("\uFEFF \t\r\n"u8);
            if (at >= 0)
            {
                return unread[at];
            }

            file.Take(unread.Length);
            if (!file.Fill(1, "record"))
            {
                return 0;
            }
        }
    }

    /// <summary>Whether the first line is a whole JSON value, and whether it is the only line.</summary>
    private static (bool IsWhole, bool IsAlone) LookAtFirstLine(string path)
    {
        using var lines = new JsonLines(path);
        return (lines.Read() && IsWholeValue(lines.Line.Span), !lines.Read());
    }

    private static bool IsWholeValue(ReadOnlySpan<byte> line)
    {
        try
        {
            var reader = new Utf8JsonReader(line);
            return reader.Read() && reader.TrySkip();
        }
        catch (JsonException)
        {
            return false;
        }
    }
}
