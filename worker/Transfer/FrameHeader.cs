using Orchestrator.Protos;

namespace Orchestrator.Worker.Transfer;

/// <summary>What stands in a frame beside its payload.</summary>
/// <param name="Key">The tensor.</param>
/// <param name="DType">Its element type.</param>
/// <param name="Offset">First byte of the payload in the tensor.</param>
/// <param name="Total">Bytes of the whole tensor.</param>
/// <param name="Crc">CRC-32C of the payload.</param>
internal readonly record struct FrameHeader(TensorKey Key, DType DType, ulong Offset, ulong Total, uint Crc);
