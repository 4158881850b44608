using System.CommandLine;

namespace Orchestrator.Coordinator.Cli.Prepare;

/// <summary><c>prepare JOB.yaml</c>: the data as <c>train</c> would see it, and what there is to say about it.</summary>
internal static class PrepareCommand
{
    public static Command Create(CommandRunner runner)
    {
        var job = new Argument<string>("JOB.yaml") { Description = "The job file (YAML or JSON).", Validators = { PathCheck.NotEmpty } };
        var sets = new Option<string[]>("--set") { Description = "Sets a key of the job file: key=value with a YAML value; may be repeated.", DefaultValueFactory = _ => [] };
        var clock = ClockOption.Create(": the same as --set data.clock=…");
        var folder = new Option<string?>("--out") { Description = "The output folder, in place of the job file's: the prepared data is kept there for train.", Validators = { PathCheck.NotEmpty } };
        var show = new Option<int?>("--show") { Description = "Prints the first N samples: text, and each token with id, text and whether it carries loss." };
        var json = new Option<bool>("--json") { Description = "One JSON object a sample on stdout: index, text, input_ids, labels; the report goes to stderr." };
        var command = new Command("prepare", "Tokenizes and checks a job's data as train would, without the model's weights.") { job, sets, clock, folder, show, json };
        command.SetAction((parsed, _) => runner.RunAsync((output, interrupts, _) => new PrepareRun(
            new PrepareOptions(parsed.GetRequiredValue(job))
            {
                Sets = [.. parsed.GetValue(sets) ?? [], .. parsed.GetValue(clock) is { } moment ? [$"data.clock={moment}"] : Array.Empty<string>()],
                Out = parsed.GetValue(folder),
                Show = parsed.GetValue(show),
                Json = parsed.GetValue(json),
            },
            output, interrupts.Stop).RunAsync(Environment.CurrentDirectory)));
        return command;
    }
}
