using Orchestrator.Coordinator.Jobs;

namespace Orchestrator.Coordinator.Datasets;

/// <summary>Turns a job's data files into prepared splits, once per content.</summary>
internal static class DatasetPreparer
{
    /// <summary>Prepares the job's training data and, where it has any, its evaluation data.</summary>
    /// <exception cref="Cli.InvalidInputException">A file is missing, a row is malformed, an id is outside the vocabulary, or no label token is left.</exception>
    public static Task<PreparedDataset> PrepareAsync(JobSpec job, int vocabSize, string dataFolder, IProgress<DatasetProgress>? progress, CancellationToken cancellationToken)
        => throw new NotSupportedException();

    /// <summary>Prepares one file as it is, for commands that compute: no sample is dropped or cut, so sample i is row i.</summary>
    public static Task<PreparedSplit> PrepareFileAsync(string path, int vocabSize, string dataFolder, IProgress<DatasetProgress>? progress, CancellationToken cancellationToken)
        => throw new NotSupportedException();
}
