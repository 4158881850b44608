using Orchestrator.Coordinator.Datasets;

namespace Orchestrator.Coordinator.Tests.Datasets;

public sealed class RowFaultsTests : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData(1, 1, null)]
    [InlineData(20, 20, null)]
    [InlineData(21, 20, "1 more row beside these is wrong.")]
    [InlineData(1000, 20, "980 more rows beside these are wrong.")]
    public void ReadAll_RowsThatAreWrong_NamesTheFirstAndCountsTheOthers(int wrong, int told, string? more)
    {
        var file = Write([.. Enumerable.Repeat("{}", wrong), "[]"]);
        var taken = 0;
        var faults = new RowFaults();
        using (var lines = new JsonLines(file))
        {
            faults.ReadAll(lines, file, () => taken += lines.Line.Span.StartsWith("{"u8) ? throw new RowException("it is empty") : 1);
        }

        IEnumerable<string> expected = Enumerable.Range(1, told).Select(line => $"{file}, line {line}: it is empty.");
        Assert.Equal(more is null ? expected : expected.Append(more), Refusal(faults).Split('\n'));
        Assert.Equal(1, taken);
    }

    [Fact]
    public void ReadAll_FileThatCannotBeReadToItsEnd_SaysSoBehindTheRowsBefore()
    {
        var file = _folder.At("data.json");
        File.WriteAllText(file, "[{},\n{}");
        var faults = new RowFaults();
        using var reader = DataFile.Open(file, out _);
        faults.ReadAll(reader, file, () => throw new RowException("it is empty"));
        var told = Refusal(faults).Split('\n');
        Assert.Equal(3, told.Length);
        Assert.Equal([$"{file}, line 1: it is empty.", $"{file}, line 2: it is empty."], told[..2]);
        Assert.StartsWith($"{file}, line 2", told[2], StringComparison.Ordinal);

        using var again = DataFile.Open(file, out _);
        Assert.Throws<InvalidInputException>(() => new RowFaults().ReadAll(again, file, () => { }));
    }

    [Fact]
    public void ThrowIfAny_OfNone_DoesNothing() => new RowFaults().ThrowIfAny();

    private static string Refusal(RowFaults faults) => Assert.Throws<InvalidInputException>(faults.ThrowIfAny).Message;

    private string Write(IEnumerable<string> lines)
    {
        File.WriteAllLines(_folder.At("data.jsonl"), lines);
        return _folder.At("data.jsonl");
    }
}
