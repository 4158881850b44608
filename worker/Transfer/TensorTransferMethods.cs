using Grpc.Core;
using Orchestrator.Protos;

namespace Orchestrator.Worker.Transfer;

/// <summary>The Push RPC with marshallers that write from and read into tensor memory.</summary>
/// <remarks>On the wire the same as the generated method: a test sends each one's bytes to the other.</remarks>
internal static class TensorTransferMethods
{
    private const string Service = "orchestrator.v1.TensorTransfer";

    private static readonly Marshaller<TransferReceipt> Receipts = Marshallers.Create(
        static (receipt, context) =>
        {
            context.SetPayloadLength(receipt.CalculateSize());
            Google.Protobuf.MessageExtensions.WriteTo(receipt, context.GetBufferWriter());
            context.Complete();
        },
        static context => TransferReceipt.Parser.ParseFrom(context.PayloadAsReadOnlySequence()));

    /// <summary>The sender's side.</summary>
    public static Method<OutgoingFrame, TransferReceipt> PushOut { get; } = new(
        MethodType.DuplexStreaming, Service, "Push", Marshallers.Create<OutgoingFrame>(Write, static _ => throw new NotSupportedException("a sender receives no frame")), Receipts);

    /// <summary>The receiver's side.</summary>
    public static Method<IncomingFrame, TransferReceipt> PushIn { get; } = new(
        MethodType.DuplexStreaming, Service, "Push", Marshallers.Create(static (_, _) => throw new NotSupportedException("a receiver sends no frame"), Read), Receipts);

    private static void Write(OutgoingFrame frame, SerializationContext context)
    {
        var header = frame.Header;
        var bytes = TensorFrameWriter.Measure(header, frame.Payload.Length);
        context.SetPayloadLength(bytes);
        var writer = context.GetBufferWriter();
        TensorFrameWriter.Write(header, frame.Payload, writer.GetSpan(bytes)[..bytes]);
        writer.Advance(bytes);
        context.Complete();
    }

    private static IncomingFrame Read(DeserializationContext context)
    {
        var assembler = FrameAssembler.Current ?? throw new InvalidOperationException("a frame is read outside its stream");
        return new IncomingFrame(assembler.Accept(context.PayloadAsReadOnlySequence()));
    }
}
