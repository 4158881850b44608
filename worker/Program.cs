using System.CommandLine;
using System.Text.Json;
using Orchestrator.Protos.CommandLine;
using Orchestrator.Worker.Runtime;
using Orchestrator.Worker.Sessions;

namespace Orchestrator.Worker;

internal static class Program
{
    private static readonly JsonSerializerOptions Json = new() { PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower };

    private static async Task<int> Main(string[] arguments)
    {
        var command = new WorkerCommand();
        var root = new RootCommand("A worker of the orchestrator: holds a stage of a model in 4 bits and trains its adapters.");
        foreach (var option in command.Options)
            root.Options.Add(option);
        root.SetAction((parsed, _) => RunAsync(command, parsed));
        root.Subcommands.Add(DoctorCommand(command));
        var result = root.Parse(arguments);
        if (result.Errors.Count > 0)
        {
            return Refuse(OptionErrors.Of(result));
        }

        // Signals are the worker's own business: see ProcessLife.
        try
        {
            return await result.InvokeAsync(new InvocationConfiguration { ProcessTerminationTimeout = null, EnableDefaultExceptionHandler = false });
        }
        catch (Exception failure)
        {
            // A user is told what happened in one sentence, never a stack trace.
            await Console.Error.WriteLineAsync(FailureSentences.Of(failure).Message);
            return WorkerProcess.Failed;
        }
    }

    private static Command DoctorCommand(WorkerCommand command)
    {
        var json = new Option<bool>("--json") { Description = "One JSON document." };
        var doctor = new Command("doctor", "Says what a worker finds on this machine, and whether it can run.") { json };
        foreach (var option in command.ComputeOptions)
            doctor.Options.Add(option);
        doctor.SetAction(parsed =>
        {
            var report = Doctor.Examine(command.ReadRuntime(parsed));
            Console.Out.WriteLine(parsed.GetValue(json) ? JsonSerializer.Serialize(report, Json) : string.Join('\n', report.Lines()));
            return report.CanRun ? 0 : 1;
        });
        return doctor;
    }

    private static async Task<int> RunAsync(WorkerCommand command, ParseResult parsed)
    {
        var (options, errors) = command.Read(parsed);
        return options is null ? Refuse(errors) : await WorkerProcess.RunAsync(options);
    }

    private static int Refuse(IReadOnlyList<string> errors)
    {
        foreach (var error in errors)
            Console.Error.WriteLine(error);
        return WorkerProcess.WrongRequest;
    }
}
