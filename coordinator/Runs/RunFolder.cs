using Orchestrator.Coordinator.Checkpoints;
using Orchestrator.Coordinator.Storage;

namespace Orchestrator.Coordinator.Runs;

/// <summary>The output folder of a run as whoever looks at it sees it; who writes into it is <see cref="OwnedRunFolder"/>.</summary>
internal static class RunFolder
{
    public const string JobFileName = "job.yaml";
    public const string PlanFileName = "plan.json";
    public const string MetricsFileName = "metrics.jsonl";
    public const string EventsFileName = "events.jsonl";
    public const string LogFileName = "run.log";
    public const string AdapterFolderName = "adapter";

    private const int MostBytesOfALine = 64 * 1024;

    /// <summary>Its files. Events are written first and deleted last: files of a run without them were written by somebody else.</summary>
    public static IReadOnlyList<string> Files { get; } = [JobFileName, PlanFileName, MetricsFileName, LogFileName, EventsFileName];

    /// <summary>Whether a run may start in this folder.</summary>
    /// <exception cref="InvalidInputException">It may not: the sentence says what to do.</exception>
    public static void Check(string output, bool resume, bool overwrite)
    {
        if (File.Exists(output))
        {
            throw new InvalidInputException($"The output {output} is a file; give a folder.");
        }

        if (HoldsRun(output))
        {
            if (!resume && !overwrite)
            {
                throw new InvalidInputException($"The output folder {output} holds a run already; go on with it with --resume, delete that run with --overwrite, or choose another output.");
            }

            return;
        }

        // Whoever asks to go on means this folder, whatever lies there: where no run is, one is started.
        if (resume)
        {
            return;
        }

        var foreign = Files.Append(AdapterFolderName).Append(CheckpointStore.FolderName).FirstOrDefault(name => Path.Exists(Path.Combine(output, name)) && name != LogFileName);
        if (foreign is not null)
        {
            throw new InvalidInputException($"The output folder {output} holds {foreign}, which no run has written and this one would replace; move it away, or choose another output.");
        }
    }

    /// <summary>Whether the folder has the lines of a run; of a file that cannot be read nobody can say that it has not.</summary>
    public static bool HoldsRun(string output)
    {
        var events = Path.Combine(output, EventsFileName);
        if (!File.Exists(events))
        {
            return false;
        }

        try
        {
            var start = new byte[MostBytesOfALine];
            using var stream = File.OpenRead(events);
            var line = start.AsSpan(0, stream.ReadAtLeast(start, start.Length, throwOnEndOfStream: false));
            return line.IndexOf((byte)'\n') is var end and > 0 && RunLines.IsEvent(line[..end]);
        }
        catch (Exception unreadable) when (unreadable is IOException or UnauthorizedAccessException)
        {
            return true;
        }
    }

    /// <summary>Its checkpoints.</summary>
    public static CheckpointStore CheckpointsOf(string output) => new(Path.Combine(output, CheckpointStore.FolderName));

    /// <summary>The sentence of a folder that cannot be written.</summary>
    public static string Sentence(string output, Exception failure) => failure is OwnershipLostException { Owner: var owner }
        ? $"The output folder {output} was taken over by another coordinator or job ({Path.GetFileName(owner)}); nothing more is written into it from here. If that one is gone for good, delete {owner} and start the job again."
        : $"The output folder {output} cannot be written ({failure.Message.TrimEnd('.')}); make room or choose another output, then start the job again.";
}
