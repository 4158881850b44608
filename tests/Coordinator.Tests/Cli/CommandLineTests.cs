using Orchestrator.Coordinator.Cli;

namespace Orchestrator.Coordinator.Tests.Cli;

public sealed class CommandLineTests
{
    [Theory]
    [InlineData(new string[0], "error: A command is missing; give one of train, prepare, tokenize, render, score, generate, evaluate, inspect.\n'orchestrator --help'")]
    [InlineData(new[] { "trian" }, "error: 'trian' is no command; did you mean train?\n'orchestrator --help'")]
    [InlineData(new[] { "serveral" }, "error: 'serveral' is no command.\n'orchestrator --help'")]
    [InlineData(new[] { "train" }, "error: JOB.yaml is missing; give the job file (YAML or JSON).\n'orchestrator train")]
    [InlineData(new[] { "train", "a.yaml", "b.yaml" }, "error: 'b.yaml' is too much: train takes JOB.yaml.\n'orchestrator train")]
    [InlineData(new[] { "train", "job.yaml", "--worker", "2" }, "error: --worker is no option of train; did you mean --workers?\n'orchestrator train")]
    [InlineData(new[] { "train", "job.yaml", "--owt=x", "--json" }, "error: --owt is no option of train; did you mean --out?\n'orchestrator train")]
    [InlineData(new[] { "train", "job.yaml", "--learning-rate", "1" }, "error: --learning-rate is no option of train.\n'orchestrator train")]
    [InlineData(new[] { "train", "job.yaml", "--workers" }, "error: --workers has no value; give worker processes to start (default: what the layout needs, else 1, or one a GPU).\n'orchestrator train")]
    [InlineData(new[] { "train", "job.yaml", "--workers", "2", "--workers", "3" }, "error: --workers is given more than once; give it once.\n'orchestrator train")]
    [InlineData(new[] { "score" }, "error: --data is missing; give the data: a JSONL or JSON file of any of the formats of a job.\nerror: --model is missing; give the Hugging Face model folder.\n'orchestrator score")]
    [InlineData(new[] { "train", "job.yaml", "--workers", "two" }, "error: --workers 'two' is not a whole number.\n")]
    [InlineData(new[] { "generate", "--model", "m", "--prompt", "p", "--temperature", "warm" }, "error: --temperature 'warm' is not a number.\n")]
    [InlineData(new[] { "train", "/nowhere/job.yaml" }, "/nowhere/job.yaml")]
    [InlineData(new[] { "train", "/usr" }, "error: The job file /usr is a folder; give the path of a YAML or JSON file.\n")]
    [InlineData(new[] { "train", "/nowhere/job.yaml", "--resume", "--overwrite" }, "--overwrite")]
    [InlineData(new[] { "score", "--model", "m", "--data", "d", "--quantization", "nf5" }, "error: --quantization 'nf5' is none of nf4, fp4, none.\n'orchestrator")]
    [InlineData(new[] { "score", "--model", "m", "--data", "d", "--set", "training.seed=1" }, "training.seed=1")]
    [InlineData(new[] { "inspect", "" }, "PATH is empty; give a path.")]
    [InlineData(new[] { "train", "" }, "JOB.yaml is empty")]
    [InlineData(new[] { "train", "job.yaml", "--out", "" }, "--out is empty")]
    [InlineData(new[] { "train", "job.yaml", "--out=" }, "--out")]
    [InlineData(new[] { "prepare", "job.yaml", "--out", "" }, "--out is empty")]
    [InlineData(new[] { "score", "--model", "m", "--data", "" }, "--data is empty")]
    [InlineData(new[] { "score", "--model", "", "--data", "d" }, "--model is empty")]
    [InlineData(new[] { "evaluate", "--model", "m", "--data", "d", "--adapter", "" }, "--adapter is empty")]
    [InlineData(new[] { "generate", "--model", "m", "--messages", "" }, "--messages is empty")]
    [InlineData(new[] { "tokenize", "--model", "m", "--data", "" }, "--data is empty")]
    [InlineData(new[] { "render", "--template", "", "--data", "d" }, "--template is empty")]
    public async Task Run_WrongRequest_EndsWithTwoAndASentenceThatNamesIt(string[] arguments, string named)
    {
        var (code, results, messages) = await CommandRun.RunAsync(arguments);
        Assert.Equal(ExitCodes.WrongRequest, code);
        Assert.Empty(results);
        Assert.StartsWith("error: ", messages, StringComparison.Ordinal);
        Assert.Contains(named, messages, StringComparison.Ordinal);
        Assert.DoesNotContain("   at ", messages, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Run_ResultsOnAFullDisk_FailsWithASentence()
    {
        await using var full = new StreamWriter(new FileStream("/dev/full", FileMode.Open, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0)) { AutoFlush = true };
        await using var messages = new StringWriter();
        var code = await CommandLine.RunAsync(["tokenize", "--model", Fixtures.At("tokenizers", "llama3"), "Hello"], new CommandOutput(full, messages, IsTerminal: false));
        Assert.Equal((ExitCodes.Failed, "error: The disk is full, so what the command writes is not complete; make room, then start it again."), (code, messages.ToString().TrimEnd()));
    }

    [Theory]
    [InlineData("--version")]
    [InlineData("--help")]
    public async Task Run_Question_IsAnsweredOnStdout(string option)
    {
        var (code, results, messages) = await CommandRun.RunAsync([option]);
        Assert.Equal((ExitCodes.Done, ""), (code, messages));
        Assert.NotEmpty(results);
    }
}
