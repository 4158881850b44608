namespace Orchestrator.Coordinator.Tests.Cli;

/// <summary><c>--set</c> of the commands that hold a whole model: a key without an effect is refused, by name.</summary>
public sealed class WholeModelKeysTests
{
    private static readonly string[] Score = ["score", "--model", "/nowhere", "--data", "d"];
    private static readonly string[] Evaluate = ["evaluate", "--model", "/nowhere", "--data", "d"];
    private static readonly string[] Generate = ["generate", "--model", "/nowhere", "--prompt", "x"];

    [Theory]
    [InlineData("score", "data.max_length=5")]
    [InlineData("score", "data.truncation=right")]
    [InlineData("score", "data.shuffle=false")]
    [InlineData("score", "data.eval=e.jsonl")]
    [InlineData("score", "data.eval_split=0.5")]
    [InlineData("score", "data.train=t.jsonl")]
    [InlineData("score", "resources.workers=2")]
    [InlineData("score", "training.seed=1")]
    [InlineData("score", "data={packing: false}")]
    [InlineData("evaluate", "data.loss_on=all")]
    [InlineData("evaluate", "data.packing=false")]
    [InlineData("generate", "data.format=text")]
    [InlineData("generate", "data.fields={prompt: q}")]
    public async Task Set_OfAKeyWithoutEffect_IsRefusedByName(string command, string set)
    {
        var (code, results, messages) = await RunAsync(command, set);

        Assert.Equal((2, ""), (code, results));
        Assert.StartsWith($"error: --set {set}: {command} takes data.", messages, StringComparison.Ordinal);
        Assert.Single(messages.TrimEnd().Split('\n'));
    }

    /// <summary>What is wrong is then the next thing that is looked at: there is no such model.</summary>
    [Theory]
    [InlineData("score", "data.format=text")]
    [InlineData("score", "data.fields.prompt=question")]
    [InlineData("score", "data.chat_template=my.jinja")]
    [InlineData("score", "data.loss_on=all")]
    [InlineData("score", "data.clock=2026-02-03")]
    [InlineData("score", "data.packing=false")]
    [InlineData("score", "quantization.double_quant=false")]
    [InlineData("score", "quantization.skip_modules=[]")]
    [InlineData("score", "resources.compute_threads=1")]
    [InlineData("score", "resources.numeric_class=avx2")]
    [InlineData("evaluate", "data.format=text")]
    [InlineData("generate", "data.clock=2026-02-03")]
    public async Task Set_OfAKeyWithAnEffect_IsTaken(string command, string set)
    {
        var (code, _, messages) = await RunAsync(command, set);

        Assert.Equal(2, code);
        Assert.DoesNotContain("--set", messages, StringComparison.Ordinal);
        Assert.Contains("/nowhere", messages, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Set_OfAKeyThatDoesNotExist_SuggestsTheNearest() =>
        Assert.Contains("did you mean 'packing'?", (await RunAsync("score", "data.paking=false")).Messages, StringComparison.Ordinal);

    private static Task<CommandRun> RunAsync(string command, string set) =>
        CommandRun.RunAsync([.. command switch { "score" => Score, "evaluate" => Evaluate, _ => Generate }, "--set", set]);
}
