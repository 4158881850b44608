using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Orchestrator.Protos;
using Orchestrator.Protos.Blobs;

namespace Orchestrator.Coordinator.Datasets;

/// <summary>The data folder: shards by their digest, and for every preparation (content and settings) which shards came of it.</summary>
/// <remarks>Safe for concurrent use, also by several processes: files appear whole, and equal preparations write equal files.</remarks>
internal static class PreparedCache
{
    /// <summary>Raised whenever the same input would be prepared to something else.</summary>
    private const string Version = "tokens-1";

    /// <summary>The key of a preparation: a digest of the files' kinds and contents, in order, and of all settings that matter.</summary>
    /// <remarks>The same bytes are an array of records under one name and a broken line under another.</remarks>
    /// <exception cref="InvalidInputException">A file cannot be read or is of a kind that is not built.</exception>
    public static string KeyOf(IEnumerable<string> files, string settings, CancellationToken cancellationToken)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes($"{Version}\n{settings}\n"));
        foreach (var file in files)
        {
            cancellationToken.ThrowIfCancellationRequested();
            hash.AppendData(Encoding.UTF8.GetBytes($"{DataFile.KindOf(file)}\n"));
            using var stream = FileWindow.Open(file);
            hash.AppendData(SHA256.HashData(stream));
        }

        return Convert.ToHexStringLower(hash.GetHashAndReset());
    }

    /// <summary>The shards of an earlier preparation; null when there was none or a file of it is gone or damaged.</summary>
    public static IReadOnlyList<PreparedSplit>? Find(string folder, string key)
    {
        try
        {
            var digests = File.ReadAllLines(IndexPath(folder, key));
            return digests.Length is 1 or 2 ? [.. digests.Select(digest => Load(ShardPath(folder, digest), digest))] : null;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or ArgumentException or FormatException)
        {
            return null;
        }
    }

    /// <summary>Remembers the shards of a preparation.</summary>
    public static void Store(string folder, string key, IEnumerable<PreparedSplit> splits)
        => AtomicFile.Write(IndexPath(folder, key), stream => stream.Write(Encoding.ASCII.GetBytes(string.Concat(splits.Select(split => $"{split.Shard.Sha256}\n")))));

    /// <summary>Opens a shard, checks it and reads what the planner must know.</summary>
    /// <exception cref="BlobFormatException">It is damaged or no shard.</exception>
    public static PreparedSplit Load(string path, string? sha256)
    {
        using var blob = BlobReader.Open(path, sha256);
        var lengths = ShardTensors.Lengths(blob);
        return new PreparedSplit
        {
            Shard = new ShardRef { Sha256 = blob.Sha256, Bytes = blob.Bytes, Samples = (ulong)lengths.Length, Tokens = blob.Tensor("labels").Length / sizeof(int) },
            Lengths = lengths,
            LabelCounts = ShardTensors.LabelCounts(blob, lengths),
            Path = Path.GetFullPath(path),
            Counts = new SplitCounts(Fact(blob, "rows"), Fact(blob, "dropped_too_long"), Fact(blob, "truncated"), Fact(blob, "dropped_unlabelled")),
        };
    }

    private static long Fact(BlobReader blob, string name)
        => blob.Header.Facts.TryGetValue(name, out var value) && long.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : 0;

    private static string IndexPath(string folder, string key) => Path.Combine(folder, $"{key}.prepared");

    private static string ShardPath(string folder, string digest) => Path.Combine(folder, $"{digest}.blob");
}
