using Orchestrator.Protos;

namespace Orchestrator.Worker.Kernels;

/// <summary>A 4-bit data type: what each code means, and which value takes which code.</summary>
/// <remarks>
/// NF4: QLoRA, arXiv 2305.14314, appendix E. FP4: {0, 1/16, 8, 12, 4, 6, 2, 3} / 12 with the sign in bit 3. The definition is
/// that of bitsandbytes 0.50.2's CPU path: thresholds are fp32 midpoints of neighbouring values, a value strictly greater takes
/// the upper one; FP4 has two zeros, of which code 8 stands for the small positive values and reads back as +0.
/// </remarks>
internal sealed class CodeBook
{
    public static readonly CodeBook Nf4 = new(
        [
            -1.0f, -0.6961928009986877f, -0.5250730514526367f, -0.39491748809814453f, -0.28444138169288635f, -0.18477343022823334f,
            -0.09105003625154495f, 0.0f, 0.07958029955625534f, 0.16093020141124725f, 0.24611230194568634f, 0.33791524171829224f,
            0.44070982933044434f, 0.5626170039176941f, 0.7229568362236023f, 1.0f,
        ],
        [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15]);

    public static readonly CodeBook Fp4 = new(
        [
            0f, 0.0625f / 12, 8f / 12, 12f / 12, 4f / 12, 6f / 12, 2f / 12, 3f / 12,
            0f, -0.0625f / 12, -8f / 12, -12f / 12, -4f / 12, -6f / 12, -2f / 12, -3f / 12,
        ],
        [11, 10, 13, 12, 15, 14, 9, 0, 8, 1, 6, 7, 4, 5, 2, 3]);

    private CodeBook(float[] values, byte[] order)
    {
        Values = values;
        Order = order;
        Thresholds = new float[15];
        for (var i = 0; i < 15; i++)
            Thresholds[i] = (values[order[i]] + values[order[i + 1]]) / 2;
    }

    /// <summary>The value of each code, fp32[16].</summary>
    public float[] Values { get; }

    /// <summary>The codes from the least value to the greatest.</summary>
    public byte[] Order { get; }

    /// <summary>Midpoints between neighbours in <see cref="Order"/>, fp32[15].</summary>
    public float[] Thresholds { get; }

    public static CodeBook Of(QuantizationType type) => type switch
    {
        QuantizationType.Nf4 => Nf4,
        QuantizationType.Fp4 => Fp4,
        _ => throw new ArgumentOutOfRangeException(nameof(type), type, "not a 4-bit type"),
    };

    /// <summary>The code of a value in [-1, 1].</summary>
    public byte Encode(float value)
    {
        var rank = 0;
        while (rank < 15 && value > Thresholds[rank])
            rank++;
        return Order[rank];
    }
}
