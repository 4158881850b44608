using Orchestrator.Protos;
using Orchestrator.Protos.Blobs;
using Orchestrator.Worker.Models;
using Orchestrator.Worker.Runtime;

namespace Orchestrator.Worker.Stages;

/// <summary>The tokens of one prepared split, read from its blob where it is mapped.</summary>
/// <remarks>Owns the blob. Safe for concurrent reads.</remarks>
internal sealed unsafe class SplitReader : IDisposable
{
    private readonly BlobReader _blob;
    private readonly long* _offsets;
    private readonly int* _inputIds;
    private readonly int* _labels;

    /// <param name="blob">The shard, its digest checked; owned from here on.</param>
    /// <exception cref="WorkerFaultException">It is no token shard.</exception>
    public SplitReader(BlobReader blob)
    {
        _blob = blob;
        var offsets = Check(blob, "offsets", DType.I64);
        var tokens = Check(blob, "input_ids", DType.I32);
        if (offsets == 0 || Check(blob, "labels", DType.I32) != tokens)
            throw new WorkerFaultException(ErrorCode.BadData, $"Shard '{blob.FilePath}' has no samples, or not a label a token; prepare the data again.");
        Samples = offsets - 1;
        _offsets = (long*)blob.Address("offsets");
        _inputIds = (int*)blob.Address("input_ids");
        _labels = (int*)blob.Address("labels");
        Tokens = tokens;
    }

    public long Samples { get; }

    public long Tokens { get; }

    /// <summary>The samples of a micro-batch laid end to end.</summary>
    /// <exception cref="WorkerFaultException">The shard has no such sample.</exception>
    public MicroBatchTokens Read(MicroBatch microBatch)
    {
        uint[] samples = [.. microBatch.Samples];
        var lengths = Array.ConvertAll(samples, LengthOf);
        var inputIds = new int[lengths.Sum()];
        var labels = new int[inputIds.Length];
        var at = 0;
        for (var i = 0; i < samples.Length; at += lengths[i++])
        {
            var start = _offsets[samples[i]];
            new ReadOnlySpan<int>(_inputIds + start, lengths[i]).CopyTo(inputIds.AsSpan(at));
            new ReadOnlySpan<int>(_labels + start, lengths[i]).CopyTo(labels.AsSpan(at));
        }

        return new MicroBatchTokens(samples, lengths, inputIds, labels, microBatch.Packed);
    }

    public void Dispose() => _blob.Dispose();

    private int LengthOf(uint sample)
    {
        if (sample >= Samples)
            throw new WorkerFaultException(ErrorCode.BadData, $"Shard '{_blob.FilePath}' has {Samples} samples, not sample {sample}.");
        long start = _offsets[sample], length = _offsets[sample + 1] - start;
        return start >= 0 && length is > 0 and <= int.MaxValue && start <= Tokens - length
            ? (int)length
            : throw new WorkerFaultException(ErrorCode.BadData, $"Shard '{_blob.FilePath}': the offsets of sample {sample} lie outside its {Tokens} tokens.");
    }

    private static long Check(BlobReader blob, string name, DType dtype)
    {
        var tensor = blob.Tensor(name);
        return tensor.Dtype == dtype && tensor.Shape.Count == 1
            ? (long)tensor.Shape[0]
            : throw new WorkerFaultException(ErrorCode.BadData, $"Shard '{blob.FilePath}': tensor '{name}' is not a list of {dtype}; prepare the data again.");
    }
}
