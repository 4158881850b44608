using System.CommandLine;
using Orchestrator.Coordinator.Jobs;

namespace Orchestrator.Coordinator.Cli.Render;

/// <summary><c>render</c>: the chat template of a model, or a file, at work on conversations.</summary>
internal static class RenderCommand
{
    public static Command Create(CommandRunner runner)
    {
        var model = new Option<string>("--model") { Description = "The model's folder: its chat template and tokenizer.", Validators = { PathCheck.NotEmpty } };
        var template = new Option<string>("--template") { Description = "A .jinja file instead of a model.", Validators = { PathCheck.NotEmpty } };
        var data = new Option<string>("--data") { Description = "A JSONL file of conversations: messages, and tools, documents and kwargs if wanted.", Required = true, Validators = { PathCheck.NotEmpty } };
        var clock = ClockOption.Create(", as 2026-02-03T04:05:06; now if it is left out.");
        var json = new Option<bool>("--json") { Description = "One JSON object a line on stdout." };
        var command = new Command("render", "Shows what a chat template makes of conversations.") { model, template, data, clock, json };
        command.SetAction((parsed, _) => runner.RunAsync((output, _, _) =>
        {
            var moment = parsed.GetValue(clock) is { } given && ClockText.TryParse(given, out var told) ? told : TimeProvider.System.GetLocalNow().DateTime;
            var source = RenderSource.Read(parsed.GetValue(model), parsed.GetValue(template));
            new RenderRun(source, moment, parsed.GetValue(json), output.Results).Run(parsed.GetRequiredValue(data));
            return Task.FromResult(ExitCodes.Done);
        }));
        return command;
    }
}
