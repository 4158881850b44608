using System.CommandLine;
using Orchestrator.Coordinator.Cli.Evaluate;
using Orchestrator.Coordinator.Cli.Generate;
using Orchestrator.Coordinator.Cli.Prepare;
using Orchestrator.Coordinator.Cli.Render;
using Orchestrator.Coordinator.Cli.Score;
using Orchestrator.Coordinator.Cli.Tokenize;
using Orchestrator.Protos.CommandLine;

namespace Orchestrator.Coordinator.Cli;

/// <summary>The program's commands, and what a wrong command line ends with.</summary>
internal static class CommandLine
{
    public static async Task<int> RunAsync(string[] arguments, CommandOutput output)
    {
        var parsed = Create(new CommandRunner(output)).Parse(arguments);
        if (parsed.Errors.Count > 0)
        {
            foreach (var error in OptionErrors.Of(parsed))
            {
                output.Error(error);
            }

            output.Messages.WriteLine($"'orchestrator {(parsed.CommandResult.Command is RootCommand ? "" : $"{parsed.CommandResult.Command.Name} ")}--help' shows what can be given.");
            return ExitCodes.WrongRequest;
        }

        // Signals are the command's own: see Interrupts.
        return await parsed.InvokeAsync(new InvocationConfiguration
        {
            Output = output.Results,
            Error = output.Messages,
            EnableDefaultExceptionHandler = false,
            ProcessTerminationTimeout = null,
        });
    }

    private static RootCommand Create(CommandRunner runner) =>
        new("Fine-tunes large language models with QLoRA over worker processes: the same bits on any layout.")
        {
            TrainCommand.Create(runner),
            PrepareCommand.Create(runner),
            TokenizeCommand.Create(runner),
            RenderCommand.Create(runner),
            ScoreCommand.Create(runner),
            GenerateCommand.Create(runner),
            EvaluateCommand.Create(runner),
            InspectCommand.Create(runner),
        };
}
