using Orchestrator.Coordinator.Models;
using Orchestrator.Coordinator.Telemetry;
using Orchestrator.Protos.Blobs;

namespace Orchestrator.Coordinator.Cli;

/// <summary>Runs a command's work and turns what it throws into one sentence and an exit code.</summary>
internal sealed class CommandRunner(CommandOutput output)
{
    public async Task<int> RunAsync(Func<CommandOutput, Interrupts, RunLog, Task<int>> work)
    {
        using var interrupts = Interrupts.Listen();
        using var log = new RunLog(TimeProvider.System, output.Messages);
        try
        {
            return await work(output, interrupts, log);
        }
        catch (InvalidInputException mistake)
        {
            output.Error(mistake.Message);
            return ExitCodes.WrongRequest;
        }
        catch (OperationCanceledException) when (interrupts.Stop.IsCancellationRequested)
        {
            output.Error("Interrupted.");
            return ExitCodes.Failed;
        }
        catch (CommandFailedException failure)
        {
            output.Error(failure.Message);
            return ExitCodes.Failed;
        }
        catch (IOException failure) when (FullDisk.Is(failure))
        {
            // Wherever it was: most often the results go to a file.
            output.Error("The disk is full, so what the command writes is not complete; make room, then start it again.");
            return ExitCodes.Failed;
        }
        catch (Exception unexpected)
        {
            log.Write(LogLevel.Critical, nameof(CommandRunner), unexpected.ToString());
            output.Error($"An unexpected fault ended the command: {ForeignText.FirstSentence(unexpected.Message)} {FaultLog.Where(log)}");
            return ExitCodes.Failed;
        }
    }
}
