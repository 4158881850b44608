using System.Text;
using Orchestrator.Coordinator.Adapters;
using Orchestrator.Coordinator.Checkpoints;
using Orchestrator.Coordinator.Tokenizers;
using Orchestrator.Protos.Blobs;

namespace Orchestrator.Coordinator.Runs;

/// <summary>What a run leaves in its output folder.</summary>
/// <remarks>
/// One writer: the job's entity, under its fence. Whole files appear by rename; a line is appended whole or not at all. Every I/O error
/// is an <see cref="IOException"/> with one sentence that names the folder.
/// </remarks>
internal sealed class RunFolder
{
    public const string JobFileName = "job.yaml";
    public const string PlanFileName = "plan.json";
    public const string MetricsFileName = "metrics.jsonl";
    public const string EventsFileName = "events.jsonl";
    public const string LogFileName = "run.log";
    public const string AdapterFolderName = "adapter";

    // Events are written first and deleted last: files of a run without them were written by somebody else.
    private static readonly string[] Files = [JobFileName, PlanFileName, MetricsFileName, LogFileName, EventsFileName];

    private readonly string _path;

    private RunFolder(string path) => _path = path;

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

    public static bool HoldsRun(string output) => File.Exists(Path.Combine(output, EventsFileName));

    /// <summary>Makes the folder of a new run; an older run's files, which <see cref="Check"/> has allowed to delete, go first, and what somebody else left under their names is put aside.</summary>
    public static RunFolder Create(string output, string resolvedYaml, IEnumerable<string> events)
    {
        var folder = new RunFolder(output);
        folder.Guard(() =>
        {
            // Somebody else's adapter, beside which a run was asked for, stays until this run's takes its place.
            if (HoldsRun(output))
            {
                DeleteAdapter(output);
                CheckpointsOf(output).DeleteAll();
                DeleteLines(output);
            }
            else
            {
                PutAside(output);
            }

            Directory.CreateDirectory(output);
            folder.Append(EventsFileName, events);
            AtomicFile.Write(Path.Combine(output, JobFileName), stream => stream.Write(Encoding.UTF8.GetBytes(resolvedYaml)));
        });
        return folder;
    }

    /// <summary>Takes up the folder of a run that goes on from a checkpoint, or from the start: lines and checkpoints after that point go, for they are made again.</summary>
    public static RunFolder Resume(string output, string resolvedYaml, ResumePoint resume, IEnumerable<string> events)
    {
        var folder = new RunFolder(output);
        folder.Guard(() =>
        {
            folder.Cut(EventsFileName, WholeLines);
            folder.Append(EventsFileName, events);
            folder.Cut(MetricsFileName, file => MetricsLines.BytesUpTo(file, resume.Checkpoint));
            CheckpointsOf(output).DeleteAfter(resume.Checkpoint?.Step ?? 0);
            AtomicFile.Write(Path.Combine(output, JobFileName), stream => stream.Write(Encoding.UTF8.GetBytes(resolvedYaml)));
        });
        return folder;
    }

    /// <summary>Takes up the folder of a run whose entity was started again: lines that the journal has and the files lack are appended.</summary>
    /// <param name="output">The folder.</param>
    /// <param name="events">Event lines of the journal.</param>
    /// <param name="metrics">Metrics lines of the journal.</param>
    /// <param name="resume">Where the run of an earlier journal, whose lines come first, went on; null: there is none.</param>
    public static RunFolder Continue(string output, IReadOnlyList<string> events, IReadOnlyList<string> metrics, ResumePoint? resume = null)
    {
        var folder = new RunFolder(output);
        folder.Guard(() =>
        {
            Directory.CreateDirectory(output);
            folder.Cut(EventsFileName, WholeLines);
            folder.Complete(EventsFileName, events, file => EventsBefore(file, events));
            folder.Cut(MetricsFileName, WholeLines);
            // The process may have ended before what lies behind the checkpoint was cut: it is another journal's.
            folder.Cut(MetricsFileName, file => EndOf(file, MetricsLines.BytesUpTo(file, resume?.Checkpoint), metrics.Count));
            folder.Complete(MetricsFileName, metrics, file => MetricsLines.BytesUpTo(file, resume?.Checkpoint));
        });
        return folder;
    }

    /// <summary>Makes the metrics lines durable, before something is published that counts on them.</summary>
    public static void SyncMetrics(string output)
    {
        var path = Path.Combine(output, MetricsFileName);
        if (File.Exists(path))
        {
            using var stream = new FileStream(path, FileMode.Open, FileAccess.Write, FileShare.ReadWrite, bufferSize: 0);
            stream.Flush(flushToDisk: true);
        }
    }

    private static CheckpointStore CheckpointsOf(string output) => new(Path.Combine(output, CheckpointStore.FolderName));

    private static void DeleteAdapter(string output)
    {
        var adapter = Path.Combine(output, AdapterFolderName);
        foreach (var name in PeftAdapterWriter.FilesIn(adapter))
        {
            DeleteFile(Path.Combine(adapter, name));
        }

        DeleteIfEmpty(Path.Combine(adapter, TokenizerConfig.TemplateFolderName));
        DeleteIfEmpty(adapter);
    }

    private static void DeleteIfEmpty(string folder)
    {
        if (Directory.Exists(folder) && !Directory.EnumerateFileSystemEntries(folder).Any())
        {
            Directory.Delete(folder);
        }
    }

    // The job file itself may lie here.
    private static void PutAside(string output)
    {
        foreach (var path in Files.Select(name => Path.Combine(output, name)).Where(File.Exists))
        {
            var free = Enumerable.Range(1, int.MaxValue).Select(number => $"{path}.before-{number}").First(candidate => !Path.Exists(candidate));
            File.Move(path, free);
        }
    }

    private static void DeleteLines(string output)
    {
        foreach (var name in Files)
        {
            DeleteFile(Path.Combine(output, name));
        }
    }

    public void WritePlan(string json) =>
        Guard(() => AtomicFile.Write(Path.Combine(_path, PlanFileName), stream => stream.Write(Encoding.UTF8.GetBytes(json))));

    public void AppendEvents(IEnumerable<string> lines) => Guard(() => Append(EventsFileName, lines));

    public void AppendMetrics(IEnumerable<string> lines) => Guard(() => Append(MetricsFileName, lines));

    private static void DeleteFile(string path)
    {
        if (File.Exists(path))
        {
            File.Delete(path);
        }
    }

    private void Append(string name, IEnumerable<string> lines)
    {
        var bytes = Encoding.UTF8.GetBytes(string.Concat(lines.Select(line => line + "\n")));
        if (bytes.Length == 0)
        {
            return;
        }

        using var stream = new FileStream(Path.Combine(_path, name), FileMode.OpenOrCreate, FileAccess.ReadWrite, FileShare.Read, bufferSize: 0);
        var whole = stream.Seek(0, SeekOrigin.End);
        try
        {
            stream.Write(bytes);
        }
        catch (IOException)
        {
            stream.SetLength(whole);
            throw;
        }
    }

    // Lines are pure functions of events: those behind the first ones, which are not the journal's, equal the journal's first lines.
    private void Complete(string name, IReadOnlyList<string> lines, Func<string, long> bytesBefore)
    {
        var path = Path.Combine(_path, name);
        var present = File.Exists(path) ? File.ReadAllBytes(path).AsSpan((int)bytesBefore(path)).Count((byte)'\n') : 0;
        Append(name, lines.Skip(present));
    }

    // Where so many lines behind the first bytes end, or the file does.
    private static long EndOf(string file, long bytesBefore, int lines)
    {
        var bytes = File.ReadAllBytes(file);
        var end = (int)bytesBefore;
        for (var line = 0; line < lines && end < bytes.Length; line++)
        {
            end += bytes.AsSpan(end).IndexOf((byte)'\n') + 1;
        }

        return end;
    }

    // Lines of an earlier journal end where the first line of this one stands, or where the file does.
    private static long EventsBefore(string file, IReadOnlyList<string> events)
    {
        var bytes = File.ReadAllBytes(file);
        var at = events.Count == 0 ? -1 : bytes.AsSpan().IndexOf(Encoding.UTF8.GetBytes(events[0] + "\n"));
        return at < 0 ? bytes.Length : at;
    }

    private static long WholeLines(string file) => Array.LastIndexOf(File.ReadAllBytes(file), (byte)'\n') + 1;

    private void Cut(string name, Func<string, long> bytesKept)
    {
        var path = Path.Combine(_path, name);
        if (File.Exists(path))
        {
            var kept = bytesKept(path);
            using var stream = new FileStream(path, FileMode.Open, FileAccess.Write);
            stream.SetLength(kept);
        }
    }

    private void Guard(Action write)
    {
        try
        {
            write();
        }
        catch (Exception failure) when (failure is IOException or UnauthorizedAccessException)
        {
            throw new IOException(Sentence(_path, failure), failure);
        }
    }

    /// <summary>The sentence of a folder that cannot be written.</summary>
    public static string Sentence(string output, Exception failure) =>
        $"The output folder {output} cannot be written ({failure.Message.TrimEnd('.')}); make room or choose another output, then start the job again.";
}
