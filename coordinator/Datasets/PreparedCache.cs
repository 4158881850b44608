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

    /// <summary>The key of a preparation: a digest of the files' contents, in order, and of all settings that matter.</summary>
    public static string KeyOf(IEnumerable<string> files, string settings, CancellationToken cancellationToken)
    {
        using var hash = IncrementalHash.CreateHash(HashAlgorithmName.SHA256);
        hash.AppendData(Encoding.UTF8.GetBytes($"{Version}\n{settings}\n"));
        foreach (var file in files)
        {
            cancellationToken.ThrowIfCancellationRequested();
            using var stream = JsonLines.OpenFile(file);
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
        var offsets = blob.Values<long>("offsets", DType.I64);
        var labels = blob.Values<int>("labels", DType.I32);
        CheckOffsets(offsets, labels.Length, path);
        var (lengths, counts) = (new int[offsets.Length - 1], new int[offsets.Length - 1]);
        for (var i = 0; i < lengths.Length; i++)
        {
            lengths[i] = (int)(offsets[i + 1] - offsets[i]);
            counts[i] = TokensRow.CountLabels(labels.Slice((int)offsets[i], lengths[i]));
        }

        return new PreparedSplit
        {
            Shard = new ShardRef { Sha256 = blob.Sha256, Bytes = blob.Bytes, Samples = (ulong)lengths.Length, Tokens = (ulong)labels.Length },
            Lengths = lengths,
            LabelCounts = counts,
            Path = Path.GetFullPath(path),
            Counts = new SplitCounts(Fact(blob, "rows"), Fact(blob, "dropped_too_long"), Fact(blob, "truncated"), Fact(blob, "dropped_unlabelled")),
        };
    }

    private static void CheckOffsets(ReadOnlySpan<long> offsets, int tokens, string path)
    {
        var previous = 0L;
        foreach (var offset in offsets)
        {
            if (offset < previous)
            {
                throw new BlobFormatException(path, "offsets", "they do not ascend");
            }

            previous = offset;
        }

        if (offsets.IsEmpty || offsets[0] != 0 || previous != tokens)
        {
            throw new BlobFormatException(path, "offsets", $"they do not go from 0 to the {tokens} labels");
        }
    }

    private static long Fact(BlobReader blob, string name)
        => blob.Header.Facts.TryGetValue(name, out var value) && long.TryParse(value, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : 0;

    private static string IndexPath(string folder, string key) => Path.Combine(folder, $"{key}.prepared");

    private static string ShardPath(string folder, string digest) => Path.Combine(folder, $"{digest}.blob");
}
