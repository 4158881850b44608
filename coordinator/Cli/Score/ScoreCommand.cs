using System.CommandLine;
using System.Text.Json.Nodes;
using Orchestrator.Coordinator.Cli.WholeModel;

namespace Orchestrator.Coordinator.Cli.Score;

/// <summary><c>score</c>: log-probabilities of a model, with or without an adapter, on data.</summary>
internal static class ScoreCommand
{
    private static readonly WholeModelKeys Keys = new("score", "data.format", "data.fields", "data.chat_template", "data.loss_on", "data.clock", "data.packing");

    public static Command Create(CommandRunner runner)
    {
        var model = new WholeModelSwitches();
        var data = new Option<string>("--data") { Description = "The data: a JSONL or JSON file of any of the formats of a job.", Required = true, Validators = { PathCheck.NotEmpty } };
        var json = new Option<bool>("--json") { Description = "One JSON object a line on stdout." };
        var command = new Command("score", "Scores data with a model: log-probabilities of its label tokens.") { data, json };
        foreach (var option in model.All)
        {
            command.Add(option);
        }

        command.SetAction((parsed, _) => runner.RunAsync(async (output, interrupts, log) =>
        {
            var section = new JsonObject { ["train"] = Path.GetFullPath(parsed.GetRequiredValue(data)) };
            var input = WholeModelInput.Read(model.Read(parsed), Keys, section, Environment.CurrentDirectory);
            await new ScoreRun(input, output, log, parsed.GetValue(json)).RunAsync(interrupts.Stop);
            return ExitCodes.Done;
        }));
        return command;
    }
}
