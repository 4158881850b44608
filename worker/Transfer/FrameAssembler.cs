using System.Buffers;
using Orchestrator.Protos;

namespace Orchestrator.Worker.Transfer;

/// <summary>Puts the frames of one stream together into tensors and delivers them.</summary>
/// <remarks>
/// One a stream, used by that stream alone. The gRPC marshaller has no argument for its stream, so it finds the assembler in
/// <see cref="Current"/>, which the stream's handler sets and which flows with its execution context. Sizes are checked before memory is
/// taken; a tensor that is not wanted (a duplicate, an older generation) takes none. What is not whole when the stream ends is freed.
/// </remarks>
internal sealed class FrameAssembler(TensorInbox inbox, string job, ulong generation, uint sender) : IDisposable
{
    private static readonly AsyncLocal<FrameAssembler?> OfStream = new();

    private TensorKey _key;
    private DType _dtype;
    private ulong _total;
    private ulong _next;
    private TensorBuffer? _buffer;
    private bool _within;

    /// <summary>The assembler of the stream that this code runs for.</summary>
    public static FrameAssembler? Current
    {
        get => OfStream.Value;
        set => OfStream.Value = value;
    }

    /// <summary>Tensors that were completed, dropped ones included but for mirrored states: the sender's credit.</summary>
    public ulong TensorsReceived { get; private set; }

    /// <summary>Reads one message; true: it completed a tensor.</summary>
    /// <exception cref="StaleMirrorException">A mirrored state's generation has ended here.</exception>
    /// <exception cref="TensorFrameException">The sender is wrong.</exception>
    /// <exception cref="OutOfMemoryException">The tensor is allowed but there is no memory for it.</exception>
    public bool Accept(in ReadOnlySequence<byte> message)
    {
        var header = TensorFrameReader.Read(message, job, out var payload);
        if (_within)
            CheckContinues(header);
        else
            Begin(header);
        CheckPayload(header, payload);
        if (_buffer is not null && payload.Length > 0)
            payload.CopyTo(_buffer.Slice((long)_next, (int)payload.Length));
        _next += (ulong)payload.Length;
        if (_next < _total)
            return false;
        Complete();
        return true;
    }

    public void Dispose()
    {
        _buffer?.Dispose();
        _buffer = null;
        _within = false;
    }

    private void Begin(in FrameHeader header)
    {
        if (header.Key.Job != job || header.Key.Generation != generation || header.Key.Sender != sender)
            throw new TensorFrameException($"it names rank {header.Key.Sender} of generation {header.Key.Generation}, the stream is of rank {sender} of generation {generation}");
        if (header.Offset != 0)
            throw new TensorFrameException($"the first frame of {header.Key} begins at byte {header.Offset}");
        var arrival = inbox.Foresee(header.Key, out var limit);
        if (arrival != Arrival.Stale && (limit is null || header.Total > limit))
            throw new TensorFrameException($"{header.Key} declares {header.Total} bytes, more than the job allows");
        if (!Enum.IsDefined(header.DType) || header.DType == DType.Unspecified)
            throw new TensorFrameException($"the element type {(int)header.DType} is unknown");
        if (arrival == Arrival.Accepted)
            _buffer = new TensorBuffer((long)header.Total);
        else
            inbox.CountDropped(arrival);
        CheckMirrored(header.Key, arrival);
        (_key, _dtype, _total, _next, _within) = (header.Key, header.DType, header.Total, 0, true);
    }

    private void CheckContinues(in FrameHeader header)
    {
        if (header.Key != _key || header.DType != _dtype || header.Total != _total || header.Offset != _next)
            throw new TensorFrameException($"byte {header.Offset} of {header.Total} of {header.Key} came where byte {_next} of {_total} of {_key} was due");
    }

    private void CheckPayload(in FrameHeader header, in ReadOnlySequence<byte> payload)
    {
        if ((ulong)payload.Length > _total - _next || (payload.IsEmpty && _total > 0))
            throw new TensorFrameException($"a payload of {payload.Length} bytes at byte {_next} of {_total}");
        if (Crc32C.Of(payload) == header.Crc)
            return;
        inbox.CountCorrupt();
        throw new CorruptFrameException($"the checksum of bytes {_next} to {_next + (ulong)payload.Length} of {header.Key} is wrong");
    }

    private void Complete()
    {
        _within = false;
        if (_buffer is { } buffer)
        {
            _buffer = null;
            CheckMirrored(_key, inbox.Deliver(_key, new ReceivedTensor(_dtype, buffer)));
        }

        TensorsReceived++;
    }

    // Of other tensors a receipt says that they are needed no more, of a mirrored one that it is held.
    private static void CheckMirrored(in TensorKey key, Arrival arrival)
    {
        if (key.Kind == TensorKind.Mirror && arrival == Arrival.Stale)
            throw new StaleMirrorException($"{key} is not mirrored: its generation has ended here");
    }
}
