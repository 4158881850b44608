using System.Text;
using Orchestrator.Coordinator.Datasets;

namespace Orchestrator.Coordinator.Tests.Datasets;

/// <summary>Files as records: where each begins, and what is between them.</summary>
public sealed class DataFileTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public void Read_ArrayOverSeveralLines_PlacesEachElement()
    {
        var path = Write("a.json", "\uFEFF [\n  {\"a\": \"]},\\\"\"},\n  {\n    \"b\": [1, {\"c\": 2}]\n  }, {\"d\": 3}\n]\n");
        Assert.Equal(
            [("{\"a\": \"]},\\\"\"}", 2, 2), ("{\n    \"b\": [1, {\"c\": 2}]\n  }", 3, 2), ("{\"d\": 3}", 5, 5)],
            Records(path).Select(record => (record.Text, (int)record.Place.Line, (int)record.Place.Column)));
        Assert.All(Records(path), record => Assert.Equal(record.Text, Encoding.UTF8.GetString(File.ReadAllBytes(path).AsSpan((int)record.Place.Offset, record.Text.Length))));
    }

    [Fact]
    public void Read_ArrayLargerThanTheBuffer_IsReadElementByElement()
    {
        var elements = Enumerable.Range(0, 500).Select(i => $"{{\"text\": \"{new string((char)('a' + (i % 26)), 1 + (i * 7 % 3000))}\\\\\"}}").Append($"{{\"text\": \"{new string('\\', 400_000)}\"}}").ToList();
        Assert.Equal(elements, Records(Write("a.json", $"[{string.Join(",\n", elements)}]")).Select(record => record.Text));
    }

    [Theory]
    [InlineData("[{\"a\":1},]", "line 1, column 9: the comma before ] is one too many")]
    [InlineData("[{\"a\":1}\n,\n]", "line 2, column 1: the comma before ] is one too many")]
    [InlineData("[{\"a\":1} {\"b\":2}]", "line 1, column 10: a comma or the closing ] of the array is expected")]
    [InlineData("[{\"a\":1}] x", "line 1, column 11: something follows the closing ]")]
    [InlineData("[{\"a\":1}", "the file ends before the closing ] of its array")]
    [InlineData("[{\"a\":1},", "the file ends before the closing ] of its array")]
    [InlineData("[{\"a\":1},\n {\"b\":\"x", "line 2, column 2: the file ends inside the record that begins here")]
    public void Read_BrokenArray_NamesThePlace(string content, string expected)
    {
        var path = Write("a.json", content);
        Assert.Contains(expected, Assert.Throws<InvalidInputException>(() => Records(path)).Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("one.json", "{\n  \"text\": \"x\"\n}\n", 1, "ObjectInsteadOfArray")]
    [InlineData("one.json", "{\"text\": \"x\"}", 1, "ObjectInsteadOfArray")]
    [InlineData("many.json", "{\"text\": \"x\"}\n{\"text\": \"y\"}\n", 2, "JsonLinesInJson")]
    [InlineData("many.json", "[{\"text\": \"x\"}]", 1, null)]
    [InlineData("many.jsonl", "{\"text\": \"x\"}\n{\"text\": \"y\"}\n", 2, null)]
    public void Open_OtherThanItsName_IsReadAndRemarked(string name, string content, int records, string? remark)
    {
        var path = Write(name, content);
        using (DataFile.Open(path, out var found))
        {
            Assert.Equal(remark, found?.Code.ToString());
        }

        Assert.Equal(records, Records(path).Count);
    }

    [Theory]
    [InlineData("{\"a\": \"\\ud83d x\"}", "\uFFFD x", true)]
    [InlineData("{\"a\": \"\\uDE00\\ud83d\"}", "\uFFFD\uFFFD", true)]
    [InlineData("{\"a\": \"\\ud83d\\ude00\"}", "\U0001F600", false)]
    [InlineData("{\"a\": \"\\\\ud83d\"}", "\\ud83d", false)]
    [InlineData("{\"a\": \"\\ud83d\\\\ude00\"}", "\uFFFD\\ude00", true)]
    public void Parse_HalfSurrogates_AreReplaced(string json, string expected, bool repaired)
    {
        using var document = JsonRecord.Parse(Encoding.UTF8.GetBytes(json), default, out var wasRepaired);
        Assert.Equal((expected, repaired), (document.RootElement.GetProperty("a").GetString(), wasRepaired));
    }

    private static List<(string Text, RecordPlace Place)> Records(string path)
    {
        using var reader = DataFile.Open(path, out _);
        var records = new List<(string Text, RecordPlace Place)>();
        while (reader.Read())
        {
            records.Add((Encoding.UTF8.GetString(reader.Record.Span), reader.Place));
        }

        return records;
    }

    private string Write(string name, string content)
    {
        File.WriteAllText(_folder.At(name), content, new UTF8Encoding(false));
        return _folder.At(name);
    }
}
