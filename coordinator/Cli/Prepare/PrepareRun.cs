using Orchestrator.Coordinator.Datasets;
using Orchestrator.Coordinator.Jobs;
using Orchestrator.Coordinator.Models;
using Orchestrator.Coordinator.Preflight;

namespace Orchestrator.Coordinator.Cli.Prepare;

/// <summary>One <c>prepare</c>.</summary>
internal sealed class PrepareRun(PrepareOptions options, CommandOutput output, CancellationToken cancellationToken)
{
    /// <returns>The exit code.</returns>
    public async Task<int> RunAsync(string currentFolder)
    {
        if (options.Show < 0) throw new InvalidInputException($"--show {options.Show} is not a number of samples.");
        if (ReadJob(currentFolder) is not { } job) return ExitCodes.WrongRequest;
        ModelFolder.Require(job.Model);
        using var folder = WorkFolder.Under(job.Output);
        var vocabSize = VocabSize(job.Model);
        var data = await PrepareAsync(job, vocabSize, folder);
        if (data is null) return ExitCodes.WrongRequest;
        var report = PreflightCheck.Run(job, data, vocabSize);
        // With --json stdout belongs to the samples.
        if (options.Json) ReportView.Plain(output.Messages, report);
        else ReportView.Write(output, report);
        if (report.HasErrors)
        {
            output.Error("The job would not start: see the errors above.");
            return ExitCodes.WrongRequest;
        }

        folder.KeepData();
        if (options.Json || options.Show > 0)
        {
            await new SamplePrinter(job, data, vocabSize, options, output).PrintAsync(cancellationToken);
        }

        return ExitCodes.Done;
    }

    private JobSpec? ReadJob(string currentFolder)
    {
        var path = Path.GetFullPath(options.JobFile, currentFolder);
        var parsed = JobFile.ParseWithPaths(TrainRequest.ReadDocument(path), options.JobFile, Path.GetDirectoryName(path)!, options.Sets, currentFolder);
        foreach (var error in parsed.Errors) output.Error(error);
        return options.Out is { } folder && parsed.Spec is { } job ? job with { Output = Path.GetFullPath(folder, currentFolder) } : parsed.Spec;
    }

    private async Task<PreparedDataset?> PrepareAsync(JobSpec job, int? vocabSize, WorkFolder folder)
    {
        var progress = new ProgressLines(output, TimeProvider.System);
        try
        {
            return await DatasetPreparer.PrepareAsync(job, vocabSize ?? int.MaxValue, folder.Folders.Data, progress, cancellationToken);
        }
        catch (DataRefusedException refusal)
        {
            progress.End();
            output.Error($"[{refusal.Code}] {refusal.Message}");
            return null;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // Data files that cannot be read have sentences of their own; what is left is the folder of the shards.
            throw new CommandFailedException($"The data could not be prepared in {folder.Folders.Data} ({failure.Message.TrimEnd('.')}); make room or choose another output, then start the command again.", failure);
        }
        finally
        {
            progress.End();
        }
    }

    /// <summary>Rows of the model's embedding; null: the folder has no config.json, as a tokenizer alone has none.</summary>
    private static int? VocabSize(string model)
    {
        var config = Path.Combine(model, "config.json");
        return File.Exists(config) ? (int?)ConfigDocument.Read(config).Integer("vocab_size", 1, int.MaxValue) : null;
    }
}
