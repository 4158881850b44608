using Orchestrator.Coordinator.Checkpoints;
using Orchestrator.Coordinator.Datasets;
using Orchestrator.Coordinator.Jobs;
using Orchestrator.Protos;
using Orchestrator.Protos.Blobs;

namespace Orchestrator.Coordinator.Runs;

/// <summary>What a job does with files outside its entity: reading model, data and an earlier run, writing checkpoints and the adapter, on the thread pool.</summary>
/// <remarks>Takes values and gives a <see cref="JobInput"/>, also for what goes wrong; only a cancelled preparation is an exception. Touches nothing of the entity.</remarks>
internal static class JobWork
{
    /// <summary>Ends in <see cref="JobInput.Prepared"/> or <see cref="JobInput.PreparationFailed"/>.</summary>
    public static Task<object> PrepareAsync(SubmitJobRequest request, string dataFolder, IProgress<string> progress, CancellationToken stopped) => Task.Run<object>(
        async () =>
        {
            try
            {
                var read = JobRequests.Read(request);
                return read.Spec is { } spec
                    ? await PrepareAsync(spec, request.Resume, dataFolder, progress, stopped)
                    : new JobInput.PreparationFailed(string.Join(" ", read.Errors), Invalid: true);
            }
            catch (DataRefusedException refusal)
            {
                return new JobInput.PreparationFailed($"[{refusal.Code}] {refusal.Message}", Invalid: true);
            }
            catch (InvalidInputException mistake)
            {
                return new JobInput.PreparationFailed(mistake.Message, Invalid: true);
            }
            catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
            {
                return new JobInput.PreparationFailed($"The data could not be prepared in {dataFolder}: {failure.Message}", Invalid: false);
            }
            catch (Exception bug) when (bug is not OperationCanceledException)
            {
                return new JobInput.PreparationFailed(JobFault.Sentence("The preparation of the job failed", bug), Invalid: false, bug);
            }
        },
        stopped);

    /// <summary>Ends in <see cref="JobInput.CheckpointMade"/> or <see cref="JobInput.PublicationFailed"/>.</summary>
    public static Task<object> WriteCheckpointAsync(OwnedRunFolder folder, JobRecord record, CheckpointManifest manifest) => Task.Run<object>(() =>
    {
        try
        {
            folder.WriteCheckpoint(manifest);
            return new JobInput.CheckpointMade(manifest);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return new JobInput.PublicationFailed(RunFolder.Sentence(record.Output, failure));
        }
        catch (Exception bug)
        {
            return new JobInput.PublicationFailed(JobFault.Sentence($"The checkpoint of step {manifest.Step} could not be written", bug), bug);
        }
    });

    /// <summary>Deletes what the checkpoint of a step makes superfluous, on the caller's thread; null: it did.</summary>
    public static JobInput.PublicationFailed? DeleteOlderCheckpoints(OwnedRunFolder folder, JobRecord record, ulong newest, int mostKept)
    {
        try
        {
            folder.DeleteOlderCheckpoints(newest, mostKept);
            return null;
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            return new JobInput.PublicationFailed(RunFolder.Sentence(record.Output, failure));
        }
    }

    /// <summary>Ends in <see cref="JobInput.AdapterExported"/> or <see cref="JobInput.PublicationFailed"/>.</summary>
    public static Task<object> ExportAsync(OwnedRunFolder folder, JobMaterial material, JobRecord record, string checkpoint) => Task.Run<object>(() =>
    {
        try
        {
            return new JobInput.AdapterExported(AdapterExport.Run(material, checkpoint, folder.WriteAdapter));
        }
        catch (Exception failure) when (failure is IOException and not BlobFormatException or UnauthorizedAccessException)
        {
            return new JobInput.PublicationFailed(RunFolder.Sentence(record.Output, failure));
        }
        catch (Exception damaged) when (damaged is BlobFormatException or InvalidInputException)
        {
            return new JobInput.PublicationFailed($"The adapter of step {record.CommittedStep} could not be written: {damaged.Message}");
        }
        catch (Exception bug)
        {
            return new JobInput.PublicationFailed(JobFault.Sentence($"The adapter of step {record.CommittedStep} could not be written", bug), bug);
        }
    });

    private static async Task<object> PrepareAsync(JobSpec spec, bool resume, string dataFolder, IProgress<string> progress, CancellationToken stopped)
    {
        if (!resume || !RunFolder.HoldsRun(spec.Output))
        {
            return new JobInput.Prepared(await JobPreparation.RunAsync(spec, dataFolder, progress, stopped));
        }

        progress.Report("The checkpoints of the run are being checked.");
        var history = RunHistory.Read(spec.Output, stopped);
        var material = await JobPreparation.RunAsync(AtItsTime(spec, history), dataFolder, progress, stopped);
        var (point, refusal) = ResumeDecision.Make(spec.Output, material.JobHash, material.Steps.TotalSteps, history);
        return refusal is null ? new JobInput.Prepared(material, point) : new JobInput.PreparationFailed(refusal, Invalid: true);
    }

    // A template that writes the day makes other data, and so another job, the day after: a run that goes on keeps its own.
    private static JobSpec AtItsTime(JobSpec spec, RunHistory history) =>
        spec.Data.Clock is null && history.Checkpoints.NewestManifest is { Clock: { Length: > 0 } written } && ClockText.TryParse(written, out var clock)
            ? spec with { Data = spec.Data with { Clock = clock } }
            : spec;
}
