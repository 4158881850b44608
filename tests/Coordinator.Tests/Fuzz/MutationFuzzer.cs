using System.Buffers.Binary;
using System.Text;

namespace Orchestrator.Coordinator.Tests.Fuzz;

/// <summary>Feeds a parser of foreign bytes with seeded mutations of valid inputs.</summary>
/// <remarks>
/// A parser passes if it accepts or throws <see cref="InvalidInputException"/> with a sentence, within bounded time and with allocations bounded by the
/// input's real size. A failure names seed and round, which reproduce it.
/// </remarks>
internal sealed class MutationFuzzer
{
    // Sizes and numbers at which parsers break.
    private static readonly ulong[] Numbers = [0, 1, 7, 8, 255, 65_536, int.MaxValue, 1UL << 31, uint.MaxValue, 1UL << 32, 1UL << 53, long.MaxValue, 1UL << 63, ulong.MaxValue];
    private static readonly string[] Texts = ["-1", "1e400", "18446744073709551616", "0.5", "null", "{}", "[]", "\"\"", "\\ud800", "true", "[[[[[[[[[[[[", "\0", "\uFEFF", ",", "}", "é"];

    /// <summary>Rounds to run.</summary>
    public int Rounds { get; init; } = 3_000;

    /// <summary>The seed of round 0.</summary>
    public int Seed { get; init; } = 20_260;

    /// <summary>Most processor time that one parse may take.</summary>
    public TimeSpan TimeLimit { get; init; } = TimeSpan.FromSeconds(1);

    /// <summary>Allocations allowed whatever the input.</summary>
    public long AllocationBase { get; init; } = 1 << 20;

    /// <summary>Allocations allowed a byte of input.</summary>
    public long AllocationFactor { get; init; } = 64;

    /// <summary>Runs all rounds; <paramref name="parse"/> must parse synchronously on the calling thread.</summary>
    public FuzzResult Run(IReadOnlyList<byte[]> valid, Action<byte[]> parse)
    {
        foreach (byte[] input in valid)
        {
            parse(input);
        }

        int accepted = 0;
        int refused = 0;
        for (int round = 0; round < Rounds; round++)
        {
            var random = new Random(Seed + round);
            byte[] input = valid[random.Next(valid.Count)];
            for (int mutations = random.Next(1, 4); mutations > 0; mutations--)
            {
                input = Mutate(input, random);
            }

            _ = Parse(input, parse, round) ? accepted++ : refused++;
        }

        return new FuzzResult(accepted, refused);
    }

    private bool Parse(byte[] input, Action<byte[]> parse, int round)
    {
        long allocatedBefore = GC.GetAllocatedBytesForCurrentThread();
        var start = ThreadCpuTime.Now;
        bool accepted = true;
        try
        {
            parse(input);
        }
        catch (InvalidInputException refusal)
        {
            accepted = false;
            Assert.True(refusal.Message.Length is > 10 and < 4_000 && refusal.Message.EndsWith('.'), $"{At(round, input)}: '{refusal.Message}' is no sentence");
        }
        catch (Exception error)
        {
            Assert.Fail($"{At(round, input)}: {error}");
        }

        long allocated = GC.GetAllocatedBytesForCurrentThread() - allocatedBefore;
        var elapsed = ThreadCpuTime.Now - start;
        Assert.True(elapsed < TimeLimit, $"{At(round, input)}: took {elapsed}");
        Assert.True(allocated < AllocationBase + (AllocationFactor * input.Length), $"{At(round, input)}: allocated {allocated} bytes for {input.Length}");
        return accepted;
    }

    private string At(int round, byte[] input) => $"seed {Seed + round}: {Convert.ToBase64String(input.AsSpan(0, Math.Min(input.Length, 3_000)))}";

    private static byte[] Mutate(byte[] input, Random random)
    {
        if (input.Length == 0)
        {
            return [(byte)random.Next(256)];
        }

        int at = random.Next(Math.Min(input.Length, random.Next(2) == 0 ? 256 : int.MaxValue));
        int length = Math.Min(random.Next(1, 33), input.Length - at);
        byte[] copy = [.. input];
        switch (random.Next(9))
        {
            case 0:
                copy[at] ^= (byte)(1 << random.Next(8));
                return copy;
            case 1:
                copy[at] = (byte)random.Next(256);
                return copy;
            case 2:
                return copy[..at];
            case 3:
                return [.. copy[..at], .. copy[(at + length)..]];
            case 4:
                return [.. copy[..(at + length)], .. copy[at..]];
            case 5:
                byte[] number = new byte[8];
                BinaryPrimitives.WriteUInt64LittleEndian(number, Numbers[random.Next(Numbers.Length)]);
                return Overwrite(copy, at, number);
            case 6:
                return ReplaceDigits(copy, at, Encoding.UTF8.GetBytes(random.Next(2) == 0 ? Numbers[random.Next(Numbers.Length)].ToString() : Texts[random.Next(Texts.Length)]));
            case 7:
                return [.. copy[..at], .. Encoding.UTF8.GetBytes(Texts[random.Next(Texts.Length)]), .. copy[at..]];
            default:
                int other = random.Next(input.Length);
                return Overwrite(copy, other, copy[at..(at + length)]);
        }
    }

    private static byte[] Overwrite(byte[] target, int at, byte[] part)
    {
        part.AsSpan(0, Math.Min(part.Length, target.Length - at)).CopyTo(target.AsSpan(at));
        return target;
    }

    // The next run of digits becomes another text: sizes and offsets are where headers lie.
    private static byte[] ReplaceDigits(byte[] input, int at, byte[] text)
    {
        int start = at;
        while (start < input.Length && input[start] is < (byte)'0' or > (byte)'9')
        {
            start++;
        }

        int end = start;
        while (end < input.Length && input[end] is >= (byte)'0' and <= (byte)'9')
        {
            end++;
        }

        return [.. input[..start], .. text, .. input[end..]];
    }
}

/// <summary>How many mutations a parser took and how many it refused: a fuzzer whose inputs all go one way tests nothing.</summary>
internal sealed record FuzzResult(int Accepted, int Refused);
