using System.Text.Json;
using Orchestrator.Coordinator.Datasets;
using Orchestrator.Coordinator.Jobs;
using Orchestrator.Coordinator.Tests.Jobs;

namespace Orchestrator.Coordinator.Tests.Datasets;

/// <summary>Chats of very many messages: read in one pass, rendered within a bound, refused in a sentence.</summary>
public sealed class LongChatTests : IDisposable
{
    private const string Unmarked = "{% for m in messages %}{{ '<|im_start|>' ~ m.role ~ '\n' ~ m.content ~ '<|im_end|>\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\n' }}{% endif %}";

    private readonly TemporaryFolder _folder = new();

    public void Dispose() => _folder.Dispose();

    /// <summary>Looking each message up from the start of the list would take the square: a hundred times as long.</summary>
    [Fact]
    public void Read_RowOfVeryManyMessages_IsOnePass()
    {
        var (parser, search, remarks) = (Parser, SpecialTokenSearch.Of(Model().Tokenizer), new RemarkTally());
        using var document = JsonDocument.Parse(Chat(100_000));
        var start = ThreadCpuTime.Now;
        var row = parser.Read(document.RootElement, default, remarks);
        search.LookAt(row, default, remarks);
        var elapsed = ThreadCpuTime.Now - start;
        TestContext.Current.TestOutputHelper?.WriteLine($"{elapsed.TotalSeconds:F2} s of processor time");
        Assert.Equal(100_000, ((ChatRow)row).Each.Count);
        Assert.True(elapsed < TimeSpan.FromSeconds(3), $"{elapsed}");
    }

    /// <summary>Every rendering of a part is within its own limits; together they are not.</summary>
    [Fact]
    public void Process_ManyTurnsWithoutMarks_IsRefusedInASentence()
    {
        var start = ThreadCpuTime.Now;
        var fault = Assert.Throws<RowException>(() => Work(LossOn.Assistant).Process(Chat(10_000), default, new SampleBatch()));
        TestContext.Current.TestOutputHelper?.WriteLine($"refused after {(ThreadCpuTime.Now - start).TotalSeconds:F1} s of processor time");
        Assert.StartsWith($"the chat template takes more than {RowRenderer.MostSteps} steps for this conversation of 10000 messages", fault.Message, StringComparison.Ordinal);
        Assert.DoesNotContain('.', fault.Message[^1..]);
    }

    /// <summary>The bound is on turns that must be found: other losses of the same row are made with one or two renderings.</summary>
    [Theory]
    [InlineData("All")]
    [InlineData("Completion")]
    public void Process_ManyTurnsWithOtherLoss_IsTaken(string lossOn)
    {
        var batch = new SampleBatch();
        Work(Enum.Parse<LossOn>(lossOn)).Process(Chat(10_000), default, batch);
        Assert.True(batch.Statistics.Longest > 10_000);
    }

    [Fact]
    public void Process_SomeHundredTurnsWithoutMarks_AreFound()
    {
        var batch = new SampleBatch();
        Work(LossOn.Assistant).Process(Chat(400), default, batch);
        Assert.Equal(200, batch.Statistics.Turns);
    }

    [Fact]
    public void Render_UntilItIsRefused_TakesNoMoreThanTheAllowance()
    {
        var model = Model();
        using var document = JsonDocument.Parse(Chat(200));
        var chat = (ChatRow)Parser.Read(document.RootElement, default, new RemarkTally());
        var once = new RowRenderer(model, chat);
        once.Render(chat.Messages, generationPrompt: false);
        var renderer = new RowRenderer(model, chat, mostSteps: 10 * once.StepsTaken);
        for (var i = 0; i < 10; i++)
        {
            Assert.Equal(i * once.StepsTaken, renderer.StepsTaken);
            renderer.Render(chat.Messages, generationPrompt: false);
        }

        Assert.Throws<RowException>(() => renderer.Render(chat.Messages, generationPrompt: false));
        // The last one is ended by its first step, not by its own limit.
        Assert.InRange(renderer.StepsTaken, 10 * once.StepsTaken, (10 * once.StepsTaken) + (once.StepsTaken / 2));
    }

    private static RowParser Parser => new(DataFormat.Messages, ValueMap<string>.Empty, hasTemplate: true);

    private static byte[] Chat(int messages)
        => JsonSerializer.SerializeToUtf8Bytes(new { messages = Enumerable.Range(0, messages).Select(i => new { role = i % 2 == 0 ? "user" : "assistant", content = "a" }) });

    private TextWork Work(LossOn lossOn) => new(Parser, Model(), lossOn, new SampleRules(int.MaxValue, Truncation.Error, KeepUnlabelled: true), keepTexts: false);

    private ModelText Model()
    {
        File.WriteAllText(_folder.At("unmarked.jinja"), Unmarked);
        return ModelText.Open(GoldenDatasets.Model("qwen2_chatml"), DefaultJob.Data with { ChatTemplate = _folder.At("unmarked.jinja") });
    }
}
