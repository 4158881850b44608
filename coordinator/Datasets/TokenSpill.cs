using System.Runtime.InteropServices;
using Orchestrator.Protos;
using Orchestrator.Protos.Blobs;

namespace Orchestrator.Coordinator.Datasets;

/// <summary>Samples on their way into shards: ids and labels in a temporary file, lengths in memory.</summary>
/// <remarks>For one thread. A shard's sizes stand in its header, so they must be known before its first byte; a data set may be larger than memory.</remarks>
internal sealed class TokenSpill : IDisposable
{
    public const string Kind = "token-shard";

    private readonly FileStream _file;
    private readonly List<int> _lengths = [];
    private readonly List<long> _positions = [];
    private int[] _sample = [];

    public TokenSpill(string folder)
    {
        Directory.CreateDirectory(folder);
        var path = Path.Combine(folder, $".{Guid.NewGuid():N}.tmp");
        _file = new FileStream(path, FileMode.CreateNew, FileAccess.ReadWrite, FileShare.None, 1 << 18);
        // Without a name it goes with the process, however that ends.
        File.Delete(path);
    }

    public int Count => _lengths.Count;

    public void Add(ReadOnlySpan<int> inputIds, ReadOnlySpan<int> labels)
    {
        _positions.Add(_file.Position);
        _lengths.Add(inputIds.Length);
        _file.Write(MemoryMarshal.AsBytes(inputIds));
        _file.Write(MemoryMarshal.AsBytes(labels));
    }

    /// <summary>Writes the chosen samples, in that order, as one content-addressed shard.</summary>
    public BlobDigest WriteShard(string folder, IReadOnlyList<int> chosen, IEnumerable<KeyValuePair<string, string>> facts)
    {
        _file.Flush();
        var offsets = new long[chosen.Count + 1];
        for (var i = 0; i < chosen.Count; i++)
        {
            offsets[i + 1] = offsets[i] + _lengths[chosen[i]];
        }

        var tokens = (ulong)offsets[^1];
        using var writer = BlobWriter.Create(folder, Kind, facts,
        [
            new BlobTensorSpec("offsets", DType.I64, (ulong)offsets.Length),
            new BlobTensorSpec("input_ids", DType.I32, tokens),
            new BlobTensorSpec("labels", DType.I32, tokens),
        ]);
        writer.Write("offsets", MemoryMarshal.AsBytes<long>(offsets));
        WriteParts(writer, "input_ids", chosen, labels: false);
        WriteParts(writer, "labels", chosen, labels: true);
        return writer.CompleteByDigest();
    }

    public void Dispose() => _file.Dispose();

    private void WriteParts(BlobWriter writer, string tensor, IReadOnlyList<int> chosen, bool labels)
    {
        foreach (var sample in chosen)
        {
            var length = _lengths[sample];
            if (_sample.Length < length)
            {
                _sample = new int[length];
            }

            var bytes = MemoryMarshal.AsBytes(_sample.AsSpan(0, length));
            _file.Position = _positions[sample] + (labels ? bytes.Length : 0);
            _file.ReadExactly(bytes);
            writer.Write(tensor, bytes);
        }
    }
}
