using System.Text;
using Orchestrator.Coordinator.Datasets;
using Orchestrator.Coordinator.Jobs;
using Orchestrator.Coordinator.Tests.Jobs;
using Orchestrator.Protos;
using Orchestrator.Protos.Blobs;

namespace Orchestrator.Coordinator.Tests.Datasets;

/// <summary>Token files in, shards out; what is wrong is named with file and line.</summary>
public sealed class DatasetPreparerTests : IDisposable
{
    private const string Good = "{\"input_ids\": [1, 2, 3], \"labels\": [-100, 2, 3]}\n";

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Fact]
    public async Task Prepare_TwoFiles_WritesOneShardInOrder()
    {
        var data = await Prepare(DefaultJob.Data with { Train = [Write("a.jsonl", Good), Write("b.jsonl", "\uFEFF\n  \n{\"labels\":[7],\"other\":{\"x\":[1]},\"input_ids\":[7]}\r\n{\"input_ids\":[5,6],\"labels\":[5,6]}")] });
        Assert.Equal([3, 2], data.Train.Lengths);
        Assert.Equal([2, 1], data.Train.LabelCounts);
        Assert.Equal(new SplitCounts(3, 0, 0, 1), data.Train.Counts);
        Assert.Null(data.Eval);
        using var blob = BlobReader.Open(data.Train.Path, data.Train.Shard.Sha256);
        Assert.Equal([0L, 3, 5], blob.Values<long>("offsets", DType.I64));
        Assert.Equal([1, 2, 3, 5, 6], blob.Values<int>("input_ids", DType.I32));
        Assert.Equal([-100, 2, 3, 5, 6], blob.Values<int>("labels", DType.I32));
        Assert.Equal((2UL, 5UL, (ulong)new FileInfo(data.Train.Path).Length), (data.Train.Shard.Samples, data.Train.Shard.Tokens, data.Train.Shard.Bytes));
    }

    [Fact]
    public async Task Prepare_SameContentElsewhere_IsPreparedOnceAndDamageIsRepaired()
    {
        var first = await Prepare(DefaultJob.Data with { Train = [Write("a.jsonl", Good)] });
        var second = await Prepare(DefaultJob.Data with { Train = [Write("c.jsonl", Good)] });
        Assert.Equal(first.Train.Path, second.Train.Path);
        // The shard, the index, and what was found.
        Assert.Equal(3, Directory.GetFiles(Data).Length);

        await File.WriteAllTextAsync(first.Train.Path, "damaged", Cancel);
        var third = await Prepare(DefaultJob.Data with { Train = [Write("a.jsonl", Good)] });
        Assert.Equal(first.Train.Shard, third.Train.Shard);
        BlobReader.Open(third.Train.Path).Dispose();
    }

    /// <summary>The name decides how bytes are read, so what was prepared of an array is not there for a file of lines.</summary>
    [Fact]
    public async Task Prepare_SameBytesUnderAnotherKindOfName_AreReadAnew()
    {
        const string Array = "[{\"input_ids\": [1, 2], \"labels\": [1, 2]}]\n";
        var first = await Prepare(DefaultJob.Data with { Train = [Write("a.json", Array)] });
        var path = Write("a.jsonl", Array);
        Assert.StartsWith($"{path}, line 1: a row must be an object", await Refusal(DefaultJob.Data with { Train = [path], Format = DataFormat.Tokens }), StringComparison.Ordinal);
        Assert.StartsWith($"{path}, line 1: ", await Refusal(DefaultJob.Data with { Train = [path] }), StringComparison.Ordinal);
        Assert.Contains("reading CSV files is not built yet", await Refusal(DefaultJob.Data with { Train = [Write("a.csv", Array)] }), StringComparison.Ordinal);

        // The shard itself is what its rows are.
        var lines = await Prepare(DefaultJob.Data with { Train = [Write("b.jsonl", Array.Trim('[', ']', '\n'))] });
        Assert.Equal(first.Train.Shard, lines.Train.Shard);
    }

    [Fact]
    public async Task Prepare_SameLinesUnderAnotherKindOfName_HaveTheirOwnRemarks()
    {
        var named = await Prepare(DefaultJob.Data with { Train = [Write("a.json", Good + Good)] });
        var lines = await Prepare(DefaultJob.Data with { Train = [Write("a.jsonl", Good + Good)] });
        Assert.Equal(RemarkCode.JsonLinesInJson, Assert.Single(named.TrainReport!.Remarks).Code);
        Assert.Empty(lines.TrainReport!.Remarks);
        Assert.Equal(named.Train.Shard, lines.Train.Shard);
    }

    [Theory]
    [InlineData("Drop", new[] { 3 }, 1, 0)]
    [InlineData("Right", new[] { 3, 3 }, 0, 1)]
    public async Task Prepare_TooLongSample_IsDroppedOrCut(string truncation, int[] lengths, int dropped, int truncated)
    {
        var path = Write("a.jsonl", Good + "{\"input_ids\":[1,2,3,4],\"labels\":[1,2,3,4]}\n");
        var data = await Prepare(DefaultJob.Data with { Train = [path], MaxLength = 3, Truncation = Enum.Parse<Truncation>(truncation) });
        Assert.Equal(lengths, data.Train.Lengths);
        Assert.Equal(new SplitCounts(2, dropped, truncated, 0), data.Train.Counts);
    }

    /// <summary>Labels are cut where their tokens are.</summary>
    [Theory]
    [InlineData("Left", new[] { 3, 4, 5 }, new[] { -100, 4, 5 })]
    [InlineData("Right", new[] { 1, 2, 3 }, new[] { -100, 2, -100 })]
    public async Task Prepare_CutSample_KeepsTheLabelsOfItsTokens(string truncation, int[] ids, int[] labels)
    {
        var path = Write("a.jsonl", "{\"input_ids\":[1,2,3,4,5],\"labels\":[-100,2,-100,4,5]}\n");
        var data = await Prepare(DefaultJob.Data with { Train = [path], MaxLength = 3, Truncation = Enum.Parse<Truncation>(truncation) });
        using var blob = BlobReader.Open(data.Train.Path);
        Assert.Equal(ids, blob.Values<int>("input_ids", DType.I32));
        Assert.Equal(labels, blob.Values<int>("labels", DType.I32));
    }

    /// <summary>A shard is what its name says: a whole one under another's name is made again.</summary>
    [Fact]
    public async Task Prepare_WhereAnotherWholeShardLiesUnderTheName_MakesItAgain()
    {
        var path = Write("a.jsonl", Good);
        var first = await Prepare(DefaultJob.Data with { Train = [path] });
        var other = await Prepare(DefaultJob.Data with { Train = [Write("b.jsonl", Good + Good)] });
        File.Copy(other.Train.Path, first.Train.Path, overwrite: true);
        Assert.Equal(first.Train.Shard, (await Prepare(DefaultJob.Data with { Train = [path] })).Train.Shard);
    }

    [Fact]
    public async Task Prepare_TooLongSampleIsAnError_NamesTheLine()
    {
        var path = Write("a.jsonl", Good + "{\"input_ids\":[1,2,3,4],\"labels\":[1,2,3,4]}\n");
        Assert.Equal($"{path}, line 2: the sample has 4 tokens, more than data.max_length = 3, and data.truncation is error.", await Refusal(DefaultJob.Data with { Train = [path], MaxLength = 3, Truncation = Truncation.Error }));
    }

    [Theory]
    [InlineData("{\"input_ids\": [1], \"labels\": [1, 2]}", "input_ids has 1 items and labels has 2; they must be equally many.")]
    [InlineData("{\"input_ids\": [1]}", "the row has no 'labels'.")]
    [InlineData("{\"labels\": [1]}", "the row has no 'input_ids'.")]
    [InlineData("{\"input_ids\": [], \"labels\": []}", "the sample is empty.")]
    [InlineData("{\"input_ids\": [10], \"labels\": [1]}", "item 0 of 'input_ids' is 10, outside the vocabulary (0 to 9).")]
    [InlineData("{\"input_ids\": [1, -1], \"labels\": [1, 1]}", "item 1 of 'input_ids' is -1, outside the vocabulary (0 to 9).")]
    [InlineData("{\"input_ids\": [1], \"labels\": [-1]}", "item 0 of 'labels' is -1, which is neither -100 nor an id of the vocabulary (0 to 9).")]
    [InlineData("{\"input_ids\": [1.5], \"labels\": [1]}", "item 0 of 'input_ids' is not a token id.")]
    [InlineData("{\"input_ids\": [99999999999], \"labels\": [1]}", "item 0 of 'input_ids' is not a token id.")]
    [InlineData("{\"input_ids\": \"x\", \"labels\": [1]}", "'input_ids' must be a list of token ids.")]
    [InlineData("{\"input_ids\": [1], \"input_ids\": [1], \"labels\": [1]}", "'input_ids' stands twice in the row.")]
    [InlineData("[1]", "a row must be an object")]
    [InlineData("{\"input_ids\": [1], \"labels\": [1]", "it is not valid JSON")]
    [InlineData("{\"input_ids\": [1], \"labels\": [1]} x", "it is not valid JSON")]
    [InlineData("{\"\\ud800\": 1}", "it is not valid JSON: a name is not valid Unicode")]
    [InlineData("nonsense", "it is not valid JSON")]
    public async Task Prepare_MalformedRow_NamesFileAndLine(string row, string expected)
    {
        var path = Write("a.jsonl", Good + "\n" + row + "\n");
        Assert.StartsWith($"{path}, line 3: {expected}", await Refusal(DefaultJob.Data with { Train = [path] }), StringComparison.Ordinal);
        Assert.DoesNotContain(Directory.GetFiles(Data), file => file.EndsWith(".blob", StringComparison.Ordinal) || file.EndsWith(".tmp", StringComparison.Ordinal));
    }

    [Fact]
    public async Task Prepare_WithoutLabels_IsRefused()
    {
        var path = Write("a.jsonl", "{\"input_ids\":[1,2],\"labels\":[1,-100]}\n");
        Assert.StartsWith("data.train has no label token at all", await Refusal(DefaultJob.Data with { Train = [path] }), StringComparison.Ordinal);
        Assert.StartsWith("data.eval has no label token at all", await Refusal(DefaultJob.Data with { Train = [Write("b.jsonl", Good)], Eval = [path] }), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Prepare_UnreadableFile_IsNamed()
    {
        Assert.Equal($"The data file '{_folder.At("none.jsonl")}' does not exist.", await Refusal(DefaultJob.Data with { Train = [_folder.At("none.jsonl")] }));
        Assert.Equal($"The data file '{_folder.Path}' cannot be read: it is a folder.", await Refusal(DefaultJob.Data with { Train = [_folder.Path] }));
        Assert.StartsWith($"{_folder.At("empty.jsonl")} holds no record", await Refusal(DefaultJob.Data with { Train = [Write("empty.jsonl", "")] }), StringComparison.Ordinal);
        Assert.StartsWith("data.train has no sample left: all 1 are longer", await Refusal(DefaultJob.Data with { Train = [Write("long.jsonl", Good)], MaxLength = 2 }), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Prepare_EvalSplit_DividesOnceAndForAll()
    {
        var path = Write("a.jsonl", string.Concat(Enumerable.Range(0, 10).Select(i => $"{{\"input_ids\":[1,{i}],\"labels\":[1,{i}]}}\n")));
        var one = await Prepare(DefaultJob.Data with { Train = [path], EvalSplit = 0.25 });
        Assert.Equal((7, 3), (one.Train.Lengths.Length, one.Eval!.Lengths.Length));
        Assert.Equal(Enumerable.Range(0, 10), Ids(one.Train).Concat(Ids(one.Eval)).Order());
        Assert.Equal(Ids(one.Eval).Order(), Ids(one.Eval));
        Assert.Equal(one.Eval.Shard, (await Prepare(DefaultJob.Data with { Train = [path], EvalSplit = 0.25 })).Eval!.Shard);
    }

    [Fact]
    public async Task PrepareWhole_ForScore_KeepsEveryRow()
    {
        var path = Write("a.jsonl", "{\"input_ids\":[1,2],\"labels\":[-100,-100]}\n" + Good);
        var split = await DatasetPreparer.PrepareWholeAsync(Job(DefaultJob.Data with { Train = [path] }), 10, Data, null, Cancel);
        Assert.Equal([0, 2], split.LabelCounts);
    }

    private static CancellationToken Cancel => TestContext.Current.CancellationToken;

    private string Data => _folder.At("data");

    private static int[] Ids(PreparedSplit split)
    {
        using var blob = BlobReader.Open(split.Path);
        return [.. blob.Values<int>("input_ids", DType.I32).ToArray().Where((_, i) => i % 2 == 1)];
    }

    private string Write(string name, string content)
    {
        File.WriteAllText(_folder.At(name), content, new UTF8Encoding(false));
        return _folder.At(name);
    }

    private static JobSpec Job(DataSpec data) => DefaultJob.Spec with { Data = data };

    private Task<PreparedDataset> Prepare(DataSpec data)
        => DatasetPreparer.PrepareAsync(Job(data), 10, Data, null, Cancel);

    private async Task<string> Refusal(DataSpec data) => (await Assert.ThrowsAnyAsync<InvalidInputException>(() => Prepare(data))).Message;
}
