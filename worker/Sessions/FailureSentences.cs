using System.Runtime.InteropServices;
using Grpc.Core;
using Orchestrator.Protos;
using Orchestrator.Protos.Blobs;
using Orchestrator.Worker.Runtime;

namespace Orchestrator.Worker.Sessions;

/// <summary>Turns whatever went wrong into the code and the one sentence that the coordinator is told.</summary>
internal static class FailureSentences
{
    public static Failure Of(Exception exception) => exception switch
    {
        AggregateException { InnerException: { } inner } => Of(inner),
        WorkerFaultException fault => New(fault.Code, fault.Message),
        PeerLostException lost => New(ErrorCode.PeerUnreachable, lost.Message),
        OutOfMemoryException => New(ErrorCode.ResourceExhausted, "The worker's memory ran out: use a smaller micro-batch, more stages, or a machine with more memory."),
        ExternalException torch when IsOutOfMemory(torch) =>
            New(ErrorCode.ResourceExhausted, "The device's memory ran out: use a smaller micro-batch, full recompute, more stages, or a device with more memory."),
        BlobFormatException blob => New(ErrorCode.BadData, blob.Message),
        IOException full when FullDisk.Is(full) => New(ErrorCode.ResourceExhausted, $"The disk is full: {Sentence(full.Message)}"),
        UnauthorizedAccessException denied => New(ErrorCode.BadData, Sentence(denied.Message)),
        IOException io => New(ErrorCode.BadData, Sentence(io.Message)),
        // Of peers only a loss that was judged to be one is told as such, above.
        RpcException rpc => New(ErrorCode.Internal, Sentence($"A call failed ({rpc.StatusCode}): {rpc.Status.Detail}")),
        _ => New(ErrorCode.Internal, Sentence($"{exception.GetType().Name}: {exception.Message}")),
    };

    private static bool IsOutOfMemory(ExternalException torch) =>
        torch.Message.Contains("not enough memory", StringComparison.OrdinalIgnoreCase) || torch.Message.Contains("out of memory", StringComparison.OrdinalIgnoreCase);

    // One line, ended by a full stop; libtorch adds a C++ stack trace after the first line.
    private static string Sentence(string message)
    {
        var line = message.AsSpan();
        var end = line.IndexOfAny('\r', '\n');
        var first = (end < 0 ? line : line[..end]).TrimEnd().ToString();
        return first.EndsWith('.') ? first : first + ".";
    }

    private static Failure New(ErrorCode code, string message) => new() { Code = code, Message = message };
}
