using System.Text;
using Orchestrator.Coordinator.Datasets;
using Orchestrator.Coordinator.Jobs;
using Orchestrator.Coordinator.Tests.Fuzz;
using Orchestrator.Coordinator.Tests.Jobs;

namespace Orchestrator.Coordinator.Tests.Datasets;

/// <summary>No file brings a preparation down: short runs of a fuzzer with fixed seeds over every format, from the file's bytes to labels. ORCHESTRATOR_FUZZ_RUNS makes them longer.</summary>
public sealed class DataFuzzTests : IDisposable
{
    /// <summary>A template without marks, whose turns are found by rendering parts of the chat.</summary>
    private const string Unmarked = "{% for m in messages %}{{ '<|im_start|>' ~ m.role ~ '\n' ~ (m.content | trim) ~ '<|im_end|>\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";

    private static readonly SampleRules Rules = new(int.MaxValue, Truncation.Error, KeepUnlabelled: true);

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    [Theory]
    [InlineData("fuzz.jsonl", false)]
    [InlineData("fuzz.json", false)]
    [InlineData("fuzz.jsonl", true)]
    public void Process_MutatedFiles_EndsWithSamplesOrASentence(string name, bool isUnmarked)
    {
        var (model, rounds) = (Model(isUnmarked), Rounds(1000));
        // What one short chat takes: a rendering, its tokens, and the parts of it that are rendered to find the turns.
        var fuzzer = new MutationFuzzer { Rounds = rounds, AllocationBase = 4 << 20, AllocationFactor = 400 };
        var result = fuzzer.Run(Inputs(name), bytes => Named(Write(bytes, name), path => ProcessAll(path, model)));
        Assert.True(result.Accepted > rounds / 20 && result.Refused > rounds / 20, $"{name}: {result}");
    }

    /// <summary>The same through the reader of a split, which works on several threads.</summary>
    [Fact]
    public void Read_MutatedFiles_EndsWithAReportOrASentence()
    {
        var (model, rounds) = (Model(isUnmarked: false), Rounds(300));
        var result = new MutationFuzzer { Rounds = rounds, AllocationBase = 4 << 20 }.Run(Inputs("fuzz.jsonl"), bytes => Named(Write(bytes, "split.jsonl"), path => ReadAll(path, model)));
        Assert.True(result.Accepted > rounds / 20 && result.Refused > rounds / 20, $"{result}");
    }

    private static int Rounds(int suite) => int.TryParse(Environment.GetEnvironmentVariable("ORCHESTRATOR_FUZZ_RUNS"), out var given) ? given : suite;

    private static List<byte[]> Inputs(string name)
    {
        List<string> lines = [.. new[] { "messages", "sharegpt", "alpaca", "prompt_completion", "prompt_completion_chat", "text", "messages_multi_turn" }
            .Select(format => string.Join('\n', File.ReadLines(GoldenDatasets.At("files", $"{format}.jsonl")).Take(4))), "{\"input_ids\":[1,2],\"labels\":[-100,2]}\n"];
        return [.. lines.Select(content => name.EndsWith(".json", StringComparison.Ordinal) ? $"[{content.TrimEnd('\n').Replace("\n", ",\n", StringComparison.Ordinal)}]" : content).Select(Encoding.UTF8.GetBytes)];
    }

    /// <summary>Every refusal names the file.</summary>
    private static void Named(string path, Action<string> action)
    {
        try
        {
            action(path);
        }
        catch (InvalidInputException refusal)
        {
            Assert.StartsWith(path, refusal.Message, StringComparison.Ordinal);
            throw;
        }
    }

    private static void ProcessAll(string path, ModelText model)
    {
        using var records = DataFile.Open(path, out _);
        IRecordWork? work = null;
        var batch = new SampleBatch();
        while (records.Read())
        {
            try
            {
                work ??= WorkFor(records, model);
            }
            catch (RowException fault)
            {
                throw fault.At(path, records.Place.Line);
            }

            batch.Begin(0);
            batch.AddRecord(records.Record.Span, records.Place);
            batch.Process(work, TestContext.Current.CancellationToken);
            if (batch.Faults.FirstOrDefault() is { Fault: { } wrong })
            {
                throw wrong.At(path, records.Place.Line);
            }

            batch.ForEach((_, ids, labels) => Assert.Equal(ids.Length, labels.Length));
        }
    }

    private static IRecordWork WorkFor(RecordReader records, ModelText model)
    {
        using var document = JsonRecord.Parse(records.Record, records.Place, out _);
        var detected = FormatDetection.Of(document.RootElement, ValueMap<string>.Empty);
        return detected.Format == DataFormat.Tokens
            ? new TokensWork(100, detected.Fields, Rules)
            : new TextWork(new RowParser(detected.Format, detected.Fields, hasTemplate: true), model, detected.Format is DataFormat.Messages or DataFormat.Sharegpt ? LossOn.Assistant : LossOn.Auto, Rules, keepTexts: true);
    }

    private static void ReadAll(string path, ModelText model)
        => new SplitReader(DefaultJob.Data, () => model, 100, Rules).ReadAsync([path], _ => true, null, TestContext.Current.CancellationToken).GetAwaiter().GetResult();

    private ModelText Model(bool isUnmarked)
    {
        File.WriteAllText(_folder.At("unmarked.jinja"), Unmarked);
        return ModelText.Open(GoldenDatasets.Model("qwen2_chatml"), DefaultJob.Data with { ChatTemplate = isUnmarked ? _folder.At("unmarked.jinja") : null });
    }

    private string Write(byte[] content, string name)
    {
        File.WriteAllBytes(_folder.At(name), content);
        return _folder.At(name);
    }
}
