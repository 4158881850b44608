namespace Orchestrator.Worker.Kernels;

/// <summary>Philox4x32-10, the counter-based generator of Salmon, Moraes, Dror and Shaw (SC 2011), one block at a time.</summary>
/// <remarks>The readable reference; <see cref="PhiloxFill"/> makes many blocks at once with the same words.</remarks>
internal static class Philox
{
    public const uint M0 = 0xD2511F53;
    public const uint M1 = 0xCD9E8D57;
    public const uint W0 = 0x9E3779B9;
    public const uint W1 = 0xBB67AE85;

    /// <summary>The four words of counter (c0, c1, c2, c3) under key (k0, k1).</summary>
    public static (uint R0, uint R1, uint R2, uint R3) Block(uint c0, uint c1, uint c2, uint c3, uint k0, uint k1)
    {
        for (var round = 0; round < 10; round++)
        {
            var p0 = (ulong)M0 * c0;
            var p1 = (ulong)M1 * c2;
            (c0, c1, c2, c3) = ((uint)(p1 >> 32) ^ c1 ^ k0, (uint)p1, (uint)(p0 >> 32) ^ c3 ^ k1, (uint)p0);
            k0 += W0;
            k1 += W1;
        }

        return (c0, c1, c2, c3);
    }

    /// <summary>Word <paramref name="element"/> of a stream.</summary>
    public static uint Word(in RandomStream stream, ulong element)
    {
        var (c1, c2, c3) = stream.Counter();
        var (r0, r1, r2, r3) = Block(checked((uint)(element >> 2)), c1, c2, c3, (uint)stream.Seed, (uint)(stream.Seed >> 32));
        return (element & 3) switch { 0 => r0, 1 => r1, 2 => r2, _ => r3 };
    }
}
