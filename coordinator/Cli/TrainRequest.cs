using Orchestrator.Coordinator.Jobs;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Cli;

/// <summary>A <c>train</c> that was checked as far as this process alone can: the job, the request to submit, and the fleet to start.</summary>
internal sealed record TrainRequest(JobSpec Job, string Output, int NumWorkers, SubmitJobRequest Submission)
{
    private const int MaxWorkers = 256;

    /// <summary>The request, or every error of the job file.</summary>
    /// <exception cref="InvalidInputException">The file cannot be read, or the options contradict it.</exception>
    public static (TrainRequest? Request, IReadOnlyList<string> Errors) Read(TrainOptions options, string currentFolder)
    {
        if (options.Resume && options.Overwrite)
        {
            throw new InvalidInputException("--resume and --overwrite exclude each other; give one.");
        }

        if (options.Workers is < 1 or > MaxWorkers)
        {
            throw new InvalidInputException($"--workers {options.Workers} is not from 1 to {MaxWorkers}.");
        }

        var path = Path.GetFullPath(options.JobFile, currentFolder);
        var document = ReadDocument(path);
        var baseFolder = Path.GetDirectoryName(path)!;
        var parsed = JobFile.ParseWithPaths(document, options.JobFile, baseFolder, options.Sets, currentFolder);
        if (parsed.Spec is not { } job)
        {
            return (null, parsed.Errors);
        }

        var submission = new SubmitJobRequest
        {
            Document = document,
            DocumentName = options.JobFile,
            BaseFolder = baseFolder,
            CurrentFolder = currentFolder,
            Set = { options.Sets },
            Output = options.Out ?? "",
            Overwrite = options.Overwrite,
            Resume = options.Resume,
            IdempotencyKey = Guid.NewGuid().ToString("N"),
        };
        var output = options.Out is null ? job.Output : Path.GetFullPath(options.Out, currentFolder);
        var numWorkers = NumWorkersOf(options, job);
        // All of them become replicas: the job waits until the last one has attached.
        if (job.Layout is null)
        {
            submission.Set.Add($"resources.workers={numWorkers}");
        }

        return (new TrainRequest(job, output, numWorkers, submission), []);
    }

    private static int NumWorkersOf(TrainOptions options, JobSpec job)
    {
        var given = options.Workers ?? job.Resources.Workers;
        if (given > MaxWorkers)
        {
            throw new InvalidInputException($"resources.workers is {given}, but train starts at most {MaxWorkers}; ask for fewer.");
        }

        if (job.Layout is not { } layout)
        {
            return given ?? WorkerLaunch.FindDevices().Count;
        }

        var needed = LayoutRules.WorkersOf(layout);
        if (given < needed)
        {
            throw new InvalidInputException(
                $"The layout of {TextOf(layout)} needs {needed} workers, but {given} {(given == 1 ? "is" : "are")} to be started; give --workers {needed} or another layout.");
        }

        return needed <= MaxWorkers
            ? given ?? (int)needed
            : throw new InvalidInputException(
                $"The layout of {TextOf(layout)} needs {needed} workers, but train starts at most {MaxWorkers}; ask for fewer.");
    }

    private static string TextOf(LayoutSpec layout) => $"{Sentence.Count(layout.Replicas, "replica")} x {Sentence.Count(layout.Stages, "stage")}";

    /// <summary>The text of a job file.</summary>
    /// <exception cref="InvalidInputException">It cannot be read.</exception>
    public static string ReadDocument(string path)
    {
        try
        {
            return File.ReadAllText(path);
        }
        catch (Exception failure) when (failure is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new InvalidInputException($"The job file {path} does not exist; give the path of a YAML or JSON file.", failure);
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            // Of a folder the system says no more than that access is denied.
            throw new InvalidInputException(
                Directory.Exists(path)
                    ? $"The job file {path} is a folder; give the path of a YAML or JSON file."
                    : $"The job file {path} cannot be read ({failure.Message.TrimEnd('.')}); make it readable, or give another YAML or JSON file.",
                failure);
        }
    }
}
