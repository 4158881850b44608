using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.RegularExpressions;
using Google.Protobuf;
using Orchestrator.Protos;
using Orchestrator.Protos.Blobs;
using Orchestrator.Worker.Adapters;
using Orchestrator.Worker.Commit;
using Orchestrator.Worker.Transfer;

namespace Orchestrator.Worker.Mirrors;

/// <summary>A lone worker's states of a job in files of its cache: they outlive the process, not the machine.</summary>
/// <remarks>
/// One blob a step: a tensor a layer, and the reports that wait for a coordinator. Temporary file and rename, no fsync. The last two are kept. Named by job and worker, so that another life of the worker finds
/// them and no other worker that uses the same folder takes them for its own. Any thread, one at a time.
/// </remarks>
internal sealed partial class MirrorFiles
{
    /// <summary>After so long without a step a job's files are taken for left behind: it goes on from its checkpoint.</summary>
    public static readonly TimeSpan Age = TimeSpan.FromDays(7);

    private const string Kind = "mirrored-state";
    private const string Reports = "reports";
    private readonly string _folder;
    private readonly string _prefix;
    private readonly Dictionary<string, string> _facts;

    /// <param name="folder">The cache.</param>
    /// <param name="job">The job.</param>
    /// <param name="worker">The worker's name, which survives restarts.</param>
    public MirrorFiles(string folder, string job, string worker)
    {
        _folder = folder;
        _prefix = $"mirror-{Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes($"{job}\0{worker}")))[..24]}-";
        _facts = new Dictionary<string, string>(StringComparer.Ordinal) { ["job"] = job, ["worker"] = worker };
    }

    /// <summary>Writes a state, with what was reported until then, and deletes what is older than the one before it.</summary>
    /// <exception cref="IOException">The folder cannot be written.</exception>
    public void Write(AdapterSnapshot state, uint firstLayer, uint lastLayer, PendingReports reports)
    {
        var reported = reports.ToByteArray();
        var facts = new Dictionary<string, string>(_facts, StringComparer.Ordinal)
        {
            ["step"] = state.Step.ToString(CultureInfo.InvariantCulture),
            ["first_layer"] = firstLayer.ToString(CultureInfo.InvariantCulture),
            ["last_layer"] = lastLayer.ToString(CultureInfo.InvariantCulture),
        };
        BlobTensorSpec[] tensors =
        [
            .. state.Layout.Layers.Select(layer => new BlobTensorSpec(NameOf(layer.Layer), DType.F32, (ulong)(LayerStates.BytesOf(layer, state.Moments.Count) / sizeof(float)))),
            new BlobTensorSpec(Reports, DType.U8, (ulong)reported.Length),
        ];
        using (var writer = BlobWriter.Create(_folder, Kind, facts, tensors))
        {
            foreach (var layer in state.Layout.Layers)
            {
                using var piece = LayerPieces.Of(state, layer);
                for (long at = 0; at < piece.Bytes; at += int.MaxValue)
                    writer.Write(NameOf(layer.Layer), piece.Slice(at, (int)Math.Min(int.MaxValue, piece.Bytes - at)));
            }

            writer.Write(Reports, reported);
            writer.CompleteForThisBoot($"{_prefix}{state.Step.ToString(CultureInfo.InvariantCulture)}.blob");
        }

        // A step that is run again is written again: what came after it is of a course that was given up.
        foreach (var (step, path) in Files().Where(file => file.Step > state.Step || file.Step + StateHistory.Kept <= state.Step))
            File.Delete(path);
    }

    /// <summary>What is there whole and of this job and worker: the states, the oldest first, and the reports that lie with the newest one. What is damaged is deleted.</summary>
    public (IReadOnlyList<HeldState> States, PendingReports Reports) Read()
    {
        var states = new List<HeldState>();
        var reports = new PendingReports();
        foreach (var (step, path) in Files())
        {
            try
            {
                using var blob = BlobReader.Open(path);
                if (blob.Header.Kind == Kind && _facts.All(fact => blob.Header.Facts.GetValueOrDefault(fact.Key) == fact.Value) && StateOf(blob) is { } state && state.Step == step)
                {
                    states.Add(state);
                    reports = ReportsOf(blob);
                }
            }
            catch (BlobFormatException)
            {
                File.Delete(path);
            }
        }

        return (states, reports);
    }

    /// <summary>A layer's state after a step; null: there is none.</summary>
    /// <exception cref="BlobFormatException">The file is damaged.</exception>
    public unsafe TensorBuffer? Find(ulong step, uint layer)
    {
        using var blob = Open(step);
        return blob is not null && TensorOf(blob, layer) is { } tensor ? TensorBuffer.CopyOf((void*)blob.Address(tensor.Name), (long)tensor.Length) : null;
    }

    /// <summary>Whether a layer's state after a step is there.</summary>
    /// <exception cref="BlobFormatException">The file is damaged.</exception>
    public bool Holds(ulong step, uint layer)
    {
        using var blob = Open(step);
        return blob is not null && TensorOf(blob, layer) is not null;
    }

    /// <summary>Deletes all of them: the job has ended, or no longer needs this worker.</summary>
    public void Delete()
    {
        foreach (var (_, path) in Files())
            File.Delete(path);
    }

    /// <summary>Deletes what jobs left in a cache, whoever's, that nobody has written to for a while: their end was told to a worker that was gone.</summary>
    /// <param name="folder">The cache.</param>
    /// <param name="before">Written last before this moment.</param>
    public static void DeleteOlder(string folder, DateTimeOffset before)
    {
        if (!Directory.Exists(folder))
            return;
        foreach (var path in Directory.EnumerateFiles(folder, "mirror-*.blob").Where(path => Named().IsMatch(Path.GetFileName(path)) && File.GetLastWriteTimeUtc(path) < before.UtcDateTime))
        {
            try
            {
                File.Delete(path);
            }
            catch (Exception denied) when (denied is IOException or UnauthorizedAccessException)
            {
                // Another worker's, or deleted by it: it hinders nobody.
            }
        }
    }

    [GeneratedRegex("^mirror-[0-9a-f]{24}-[0-9]+\\.blob$", RegexOptions.CultureInvariant, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Named();

    // Unverified: it was checked when it was told of (Read), just before. Null: there is none.
    private BlobReader? Open(ulong step) => Files().FirstOrDefault(file => file.Step == step).Path is { } path ? BlobReader.Open(path, verify: false) : null;

    private static BlobTensor? TensorOf(BlobReader blob, uint layer) => blob.Header.Tensors.FirstOrDefault(tensor => tensor.Name == NameOf(layer));

    private static string NameOf(uint layer) => string.Create(CultureInfo.InvariantCulture, $"layer.{layer}");

    private static unsafe HeldState? StateOf(BlobReader blob)
    {
        if (!uint.TryParse(blob.Header.Facts.GetValueOrDefault("first_layer"), CultureInfo.InvariantCulture, out var first)
            || !uint.TryParse(blob.Header.Facts.GetValueOrDefault("last_layer"), CultureInfo.InvariantCulture, out var last)
            || !ulong.TryParse(blob.Header.Facts.GetValueOrDefault("step"), CultureInfo.InvariantCulture, out var step))
            return null;
        var hash = default(Kernels.StateHash);
        foreach (var tensor in blob.Header.Tensors.Where(tensor => tensor.Name != Reports))
        {
            if (!uint.TryParse(tensor.Name.AsSpan("layer.".Length), CultureInfo.InvariantCulture, out var layer))
                return null;
            hash += LayerStates.HashOf(layer, (byte*)blob.Address(tensor.Name), (long)tensor.Length);
        }

        return new HeldState { Step = step, FirstLayer = first, LastLayer = last, Holding = StateHolding.File, Hash = Google.Protobuf.ByteString.CopyFrom(hash.ToBytes()) };
    }

    // Files of older versions have none.
    private static unsafe PendingReports ReportsOf(BlobReader blob) => blob.Header.Tensors.FirstOrDefault(tensor => tensor.Name == Reports) is { } reports
        ? PendingReports.Parser.ParseFrom(new ReadOnlySpan<byte>((void*)blob.Address(Reports), (int)reports.Length))
        : new PendingReports();

    private List<(ulong Step, string Path)> Files() => !Directory.Exists(_folder)
        ? []
        : [.. Directory.EnumerateFiles(_folder, $"{_prefix}*.blob")
            .Select(path => (IsNamed: ulong.TryParse(Path.GetFileNameWithoutExtension(path).AsSpan(_prefix.Length), CultureInfo.InvariantCulture, out var step), Step: step, Path: path))
            .Where(file => file.IsNamed)
            .OrderBy(file => file.Step)
            .Select(file => (file.Step, file.Path))];
}
