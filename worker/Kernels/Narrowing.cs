using Orchestrator.Protos;

namespace Orchestrator.Worker.Kernels;

/// <summary>Rounds fp32 to 16-bit floats, to nearest even.</summary>
internal static class Narrowing
{
    /// <summary>The bits of a number (no NaN) in BF16 or F16; too large a one becomes infinite.</summary>
    public static ushort FromSingle(float value, DType type) => type switch
    {
        DType.Bf16 => ToBrain(value),
        DType.F16 => BitConverter.HalfToUInt16Bits((Half)value),
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "only BF16 and F16 are 16-bit floats"),
    };

    private static ushort ToBrain(float value)
    {
        var bits = BitConverter.SingleToUInt32Bits(value);
        return (ushort)((bits + 0x7fff + ((bits >> 16) & 1)) >> 16);
    }
}
