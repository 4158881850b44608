using System.CommandLine;
using Orchestrator.Coordinator.Telemetry;

namespace Orchestrator.Coordinator.Cli;

/// <summary><c>train JOB.yaml</c>: trains an adapter with workers on this machine.</summary>
internal static class TrainCommand
{
    public static Command Create(CommandRunner runner)
    {
        var job = new Argument<string>("JOB.yaml") { Description = "The job file (YAML or JSON).", Validators = { PathCheck.NotEmpty } };
        var sets = new Option<string[]>("--set") { Description = "Sets a key of the job file: key=value with a YAML value; may be repeated.", DefaultValueFactory = _ => [] };
        var workers = new Option<int?>("--workers") { Description = "Worker processes to start (default: what the layout needs, else 1, or one a GPU)." };
        var folder = new Option<string?>("--out") { Description = "The output folder, in place of the job file's.", Validators = { PathCheck.NotEmpty } };
        var resume = new Option<bool>("--resume") { Description = "Goes on with the run in the output folder; starts one where none is." };
        var overwrite = new Option<bool>("--overwrite") { Description = "Deletes the files of the run in the output folder first." };
        var json = new Option<bool>("--json") { Description = "Ends with one JSON object on stdout." };
        var command = new Command("train", "Trains an adapter with workers on this machine.") { job, sets, workers, folder, resume, overwrite, json };
        command.SetAction((parsed, _) => runner.RunAsync((output, interrupts, log) => RunAsync(
            new TrainOptions(parsed.GetRequiredValue(job))
            {
                Sets = parsed.GetValue(sets) ?? [],
                Workers = parsed.GetValue(workers),
                Out = parsed.GetValue(folder),
                Resume = parsed.GetValue(resume),
                Overwrite = parsed.GetValue(overwrite),
                Json = parsed.GetValue(json),
            },
            output, interrupts, log)));
        return command;
    }

    private static async Task<int> RunAsync(TrainOptions options, CommandOutput output, Interrupts interrupts, RunLog log)
    {
        var (request, errors) = TrainRequest.Read(options, Environment.CurrentDirectory);
        foreach (var error in errors)
        {
            output.Error(error);
        }

        if (request is null)
        {
            return ExitCodes.WrongRequest;
        }

        try
        {
            return await new TrainRun(request, output, interrupts, log, options.Json).RunAsync();
        }
        catch (OperationCanceledException) when (interrupts.Stop.IsCancellationRequested)
        {
            output.Error("Interrupted at once; train --resume goes on from the last checkpoint.");
            return ExitCodes.Interrupted;
        }
    }
}
