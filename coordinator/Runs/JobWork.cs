using Orchestrator.Coordinator.Datasets;
using Orchestrator.Protos;
using Orchestrator.Protos.Blobs;

namespace Orchestrator.Coordinator.Runs;

/// <summary>What a job does with files outside its entity: reading model and data and writing the adapter, on the thread pool, and tidying up.</summary>
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
                    ? new JobInput.Prepared(await JobPreparation.RunAsync(spec, dataFolder, progress, stopped))
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

    /// <summary>Ends in <see cref="JobInput.AdapterExported"/> or <see cref="JobInput.PublicationFailed"/>.</summary>
    public static Task<object> ExportAsync(JobMaterial material, JobRecord record, string stateFolder, IReadOnlyList<StateSaved> saved) => Task.Run<object>(() =>
    {
        var folder = Path.Combine(record.Output, RunFolder.AdapterFolderName);
        try
        {
            AdapterExport.Run(material, record, stateFolder, saved, folder);
            return new JobInput.AdapterExported(folder);
        }
        catch (Exception failure) when (failure is IOException and not BlobFormatException or UnauthorizedAccessException)
        {
            return new JobInput.PublicationFailed(RunFolder.Sentence(record.Output, failure));
        }
        catch (BlobFormatException damaged)
        {
            return new JobInput.PublicationFailed($"The adapter of step {record.CommittedStep} could not be written: {damaged.Message}");
        }
        catch (Exception bug)
        {
            return new JobInput.PublicationFailed(JobFault.Sentence($"The adapter of step {record.CommittedStep} could not be written", bug), bug);
        }
    });

    /// <summary>Deletes what workers saved for the job.</summary>
    public static void DeleteStates(string stateFolder)
    {
        try
        {
            Directory.Delete(stateFolder, recursive: true);
        }
        catch (Exception left) when (left is IOException or UnauthorizedAccessException)
        {
            // Nothing was saved, or a worker still writes: what is left is named by the job and in nobody's way.
        }
    }
}
