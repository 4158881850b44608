using System.Globalization;
using Orchestrator.Integration.Tests.Processes;

namespace Orchestrator.Integration.Tests.Readme;

/// <summary>Every console block of the README, run in its order as a newcomer would: the sample is trained whole, asked and evaluated.</summary>
public sealed class ReadmeTests
{
    private const string Program = "dotnet run -c Release --project coordinator -- ";

    [Fact]
    public void ConsoleBlocks_RunInOrder_PrintWhatTheReadmeShows()
    {
        // A folder that looks like the repository from where the commands stand, so that nothing is left in the real one.
        using var folder = new TemporaryFolder();
        folder.Copy(Path.Combine(Repository.Root, "coordinator", "samples"), Path.Combine("coordinator", "samples"));
        var printed = new Dictionary<string, string>(StringComparer.Ordinal);
        foreach (var step in ReadmeConsole.Steps(File.ReadAllText(Path.Combine(Repository.Root, "README.md"))))
        {
            // The first one as it is typed; then the same program without asking each time whether it is built.
            var result = printed.Count == 0 ? RunAsTyped(step.Command, folder.FullPath) : Run(step.Command, folder.FullPath);
            Assert.True(result.ExitCode == 0, $"README.md:{step.Line}: {step.Command}\n{result}");
            var lines = result.Output.Replace(folder.FullPath, "…", StringComparison.Ordinal).TrimEnd('\n').Split('\n');
            var difference = ReadmeConsole.Difference(step.Output, lines);
            Assert.True(difference is null, $"README.md:{step.Line}: {step.Command}\n{difference}\n{result}");
            printed[step.Command[Program.Length..].Split(' ')[0]] = result.Output;
        }

        TheSampleIsLearned(printed, folder.FullPath);
    }

    // The tests run on what is built already; only the place of the project is put in.
    private static RunResult RunAsTyped(string command, string folder) =>
        RunInShell(command.Replace(Program, $"dotnet run --no-build -c Release --project '{Path.Combine(Repository.Root, "coordinator")}' -- ", StringComparison.Ordinal), folder);

    private static RunResult Run(string command, string folder) => RunInShell(command.Replace(Program, $"'{Repository.Coordinator}' ", StringComparison.Ordinal), folder);

    private static RunResult RunInShell(string here, string folder)
    {
        using var process = OrchestratorProcess.StartProgram("/bin/sh", ["-c", $"cd '{folder}' && {here}"]);
        return process.Finish();
    }

    private static void TheSampleIsLearned(Dictionary<string, string> printed, string folder)
    {
        var output = new RunOutput(Path.Combine(folder, "orders-out"));
        Assert.Equal(500, output.Steps.Count);
        Assert.InRange(output.Evaluations[0].Loss, 5.63, 5.73);
        Assert.InRange(output.Evaluations[^1].Loss, 0.01, 0.06);
        Assert.InRange(Rate(printed["evaluate"]), 0.93, 1);

        // An untrained model knows no order: what is measured is the training.
        var limited = Run($"{Program}evaluate --model coordinator/samples/tiny-llama --quantization nf4 --max-new-tokens 64 --data coordinator/samples/orders-eval.jsonl", folder);
        Assert.InRange(Rate(limited.Output), 0, 0.05);
    }

    // "rate 0.95: 190 of 200 answers match (exact)"
    private static double Rate(string output) => double.Parse(output.Split(' ', ':')[1], CultureInfo.InvariantCulture);
}
