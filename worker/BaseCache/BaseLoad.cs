using Orchestrator.Protos;
using Orchestrator.Protos.Blobs;
using Orchestrator.Worker.Quantization;

namespace Orchestrator.Worker.BaseCache;

/// <summary>One load of a stage: what it finds in the cache and what it adds to it.</summary>
/// <remarks>
/// Nothing that goes wrong here fails the load: the model's files are always there. What this load has used or written is not deleted for its own next weight, so that a stage greater than
/// the limit is kept in part, and found. Not thread-safe.
/// </remarks>
internal sealed class BaseLoad
{
    private readonly BaseWeightCache _cache;
    private readonly string _origin;

    // The file system's clock may lag a little behind the process's.
    private readonly DateTime _began = DateTime.UtcNow - TimeSpan.FromSeconds(1);
    private readonly HashSet<BaseKey> _received = [];
    private bool _isFull;

    public BaseLoad(BaseWeightCache cache, string origin) => (_cache, _origin) = (cache, origin);

    /// <summary>Bytes of weights that were in the cache before.</summary>
    public ulong BytesCached { get; private set; }

    /// <summary>Bytes of weights that other workers gave.</summary>
    public ulong BytesReceived { get; private set; }

    /// <summary>Why nothing more is kept; null: all is well, or there is no room.</summary>
    public string? Trouble { get; private set; }

    /// <summary>The weight as it was quantized before; null: it is not here.</summary>
    public QuantizedMatrix? Find(BaseKey key, TensorSlice slice, QuantizationSpec quantization)
    {
        using var blob = _cache.Open(key);
        // Written beside this load: whether it is there already is chance, and what a worker says it has read must not be.
        if (blob is null || BaseBlob.OriginOf(blob) == _origin)
            return null;
        try
        {
            var matrix = BaseBlob.Read(blob, slice.Name, [.. slice.Shape.Select(n => (long)n)], quantization);
            _cache.Used(key);
            if (_received.Contains(key))
                BytesReceived += (ulong)matrix.Bytes;
            else
                BytesCached += (ulong)matrix.Bytes;
            return matrix;
        }
        catch (BlobFormatException)
        {
            _cache.Discard(key);
            return null;
        }
    }

    /// <summary>Whether a weight need not be asked for: it seems to be here, or nothing more is kept.</summary>
    public bool NeedsNone(BaseKey key) => _isFull || Trouble is not null || File.Exists(_cache.PathOf(key));

    /// <summary>Takes a weight that another worker gives, if there is room.</summary>
    /// <param name="key">The weight.</param>
    /// <param name="bytes">What it takes.</param>
    /// <param name="receive">Writes its blob; false: the other one does not have it.</param>
    /// <exception cref="BlobFormatException">What came is not this weight's blob.</exception>
    public async Task<bool> ReceiveAsync(BaseKey key, ulong bytes, Func<Stream, Task<bool>> receive)
    {
        _isFull = !_cache.MakeRoom(bytes, _began);
        if (_isFull || !await _cache.AddAsync(key, receive))
            return false;
        _received.Add(key);
        return true;
    }

    /// <summary>Keeps a weight for a later life, if there is room.</summary>
    public void Keep(BaseKey key, QuantizedMatrix matrix)
    {
        if (NeedsNone(key))
            return;
        try
        {
            _isFull = !_cache.MakeRoom(BaseBlob.BytesOf(matrix), _began);
            if (!_isFull)
                _cache.Write(key, _origin, matrix);
        }
        catch (Exception denied) when (denied is IOException or UnauthorizedAccessException)
        {
            Trouble = denied.Message.TrimEnd('.');
        }
    }
}
