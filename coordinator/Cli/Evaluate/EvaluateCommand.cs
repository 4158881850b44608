using System.CommandLine;
using System.Text.Json.Nodes;
using Orchestrator.Coordinator.Cli.Generate;
using Orchestrator.Coordinator.Cli.WholeModel;

namespace Orchestrator.Coordinator.Cli.Evaluate;

/// <summary><c>evaluate</c>: how often a model gives the expected answers of a data file.</summary>
internal static class EvaluateCommand
{
    private static readonly WholeModelKeys Keys = new("evaluate", "data.format", "data.fields", "data.chat_template", "data.clock");

    public static Command Create(CommandRunner runner)
    {
        var model = new WholeModelSwitches();
        var data = new Option<string>("--data") { Description = "The data: chats, prompts with completions, or tokens; JSON or JSON Lines.", Required = true, Validators = { PathCheck.NotEmpty } };
        var match = new Option<string>("--match") { Description = "exact: the same text, white space around it left out. json: the same JSON value.", DefaultValueFactory = _ => "exact" };
        match.AcceptOnlyFromAmong("exact", "json");
        var maxNewTokens = new Option<int>("--max-new-tokens") { Description = "Tokens of the longest answer.", DefaultValueFactory = _ => 256 };
        var json = new Option<bool>("--json") { Description = "One JSON object a sample on stdout, then one with the rate." };
        var command = new Command("evaluate", "Answers every sample of a data file greedily and compares with the expected answers.") { data, match, maxNewTokens, json };
        foreach (var option in model.All) command.Add(option);
        command.SetAction((parsed, _) => runner.RunAsync((output, interrupts, log) =>
        {
            var section = new JsonObject { ["train"] = Path.GetFullPath(parsed.GetRequiredValue(data)) };
            var whole = WholeModelInput.Read(model.Read(parsed), Keys, section, Environment.CurrentDirectory);
            var settings = GenerationSettings.Greedy(parsed.GetValue(maxNewTokens));
            var input = EvaluateInput.Read(whole, settings);
            var report = new EvaluateReport(output, parsed.GetRequiredValue(match) == "json" ? AnswerMatch.Json : AnswerMatch.Exact, input.Samples, parsed.GetValue(json), TimeProvider.System);
            return new EvaluateRun(input, report, output, log).RunAsync(interrupts.Stop);
        }));
        return command;
    }
}
