using System.Runtime.InteropServices;
using System.Text;

namespace Orchestrator.Coordinator.Tokenizers;

/// <summary>NFD, and NFC with <paramref name="compose"/>.</summary>
/// <remarks>Text that is in composed form already, by a quick look at its characters, is returned as it is.</remarks>
internal sealed class CanonicalNormalizer(bool compose) : Normalizer
{
    private const int SBase = 0xAC00;
    private const int LBase = 0x1100;
    private const int VBase = 0x1161;
    private const int TBase = 0x11A7;
    private const int LCount = 19;
    private const int VCount = 21;
    private const int TCount = 28;
    private const int SCount = LCount * VCount * TCount;

    public override AlignedText Apply(AlignedText text)
    {
        if (IsPlain(text.Bytes))
        {
            return text;
        }

        var pieces = Decompose(text.Bytes);
        if (compose)
        {
            pieces = Compose(pieces);
        }

        var builder = new AlignedTextBuilder(text);
        foreach (var (rune, change) in pieces)
        {
            builder.Append(rune, change);
        }

        return builder.Build();
    }

    private bool IsPlain(ReadOnlySpan<byte> bytes)
    {
        // Below U+00C0 nothing changes in any form.
        while (bytes.IndexOfAnyInRange((byte)0xC3, (byte)0xF4) is >= 0 and var at)
        {
            bytes = bytes[at..];
            Rune.DecodeFromUtf8(bytes, out var rune, out int length);
            if (compose ? CanChange(rune.Value) : CanonicalData.TryDecompose(rune.Value, out _) || IsSyllable(rune.Value) || CanonicalData.CombiningClass(rune.Value) != 0)
            {
                return false;
            }

            bytes = bytes[length..];
        }

        return true;
    }

    private static bool CanChange(int rune) => CanonicalData.CanChange(rune) || rune is (>= VBase and < VBase + VCount) or (> TBase and < TBase + TCount);

    private static bool IsSyllable(int rune) => rune is >= SBase and < SBase + SCount;

    // Characters in canonical order: those of one run of marks sorted by class, equal ones as they came. The first part of a character stands for it,
    // the others were inserted.
    private static List<(int Rune, int Change)> Decompose(ReadOnlySpan<byte> bytes)
    {
        var pieces = new List<(int Rune, int Change)>(bytes.Length);
        int marks = 0;
        while (!bytes.IsEmpty)
        {
            Rune.DecodeFromUtf8(bytes, out var rune, out int length);
            bytes = bytes[length..];
            int before = pieces.Count;
            Decompose(rune.Value, pieces);
            for (int i = before; i < pieces.Count; i++)
            {
                pieces[i] = (pieces[i].Rune, i == before ? 0 : 1);
                if (CanonicalData.CombiningClass(pieces[i].Rune) == 0)
                {
                    Sort(pieces, marks, i);
                    marks = i + 1;
                }
            }
        }

        Sort(pieces, marks, pieces.Count);
        return pieces;
    }

    private static void Decompose(int rune, List<(int Rune, int Change)> pieces)
    {
        if (IsSyllable(rune))
        {
            int index = rune - SBase;
            pieces.Add((LBase + (index / (VCount * TCount)), 0));
            pieces.Add((VBase + (index % (VCount * TCount) / TCount), 0));
            if (index % TCount > 0)
            {
                pieces.Add((TBase + (index % TCount), 0));
            }
        }
        else if (CanonicalData.TryDecompose(rune, out var parts))
        {
            Decompose(parts.First, pieces);
            if (parts.Second != 0)
            {
                Decompose(parts.Second, pieces);
            }
        }
        else
        {
            pieces.Add((rune, 0));
        }
    }

    private static void Sort(List<(int Rune, int Change)> pieces, int start, int end)
    {
        if (end - start < 2)
        {
            return;
        }

        var run = CollectionsMarshal.AsSpan(pieces)[start..end];
        var sorted = run.ToArray().OrderBy(piece => CanonicalData.CombiningClass(piece.Rune)).ToArray();
        sorted.CopyTo(run);
    }

    // A mark joins the last starter unless one of the same or a higher class stands between. The joined character swallows the mark: its change counts down.
    private static List<(int Rune, int Change)> Compose(List<(int Rune, int Change)> pieces)
    {
        var composed = new List<(int Rune, int Change)>(pieces.Count);
        int starter = -1;
        int lastClass = -1;
        foreach (var (rune, change) in pieces)
        {
            int combiningClass = CanonicalData.CombiningClass(rune);
            bool free = starter >= 0 && (lastClass < 0 || lastClass < combiningClass);
            if (free && Join(composed[starter].Rune, rune) is >= 0 and var joined)
            {
                composed[starter] = (joined, composed[starter].Change + change - 1);
                continue;
            }

            composed.Add((rune, change));
            if (combiningClass == 0)
            {
                (starter, lastClass) = (composed.Count - 1, -1);
            }
            else
            {
                lastClass = combiningClass;
            }
        }

        return composed;
    }

    private static int Join(int first, int second)
    {
        if (first is >= LBase and < LBase + LCount && second is >= VBase and < VBase + VCount)
        {
            return SBase + ((((first - LBase) * VCount) + second - VBase) * TCount);
        }

        if (IsSyllable(first) && (first - SBase) % TCount == 0 && second is > TBase and < TBase + TCount)
        {
            return first + second - TBase;
        }

        return CanonicalData.TryCompose(first, second, out int rune) ? rune : -1;
    }
}
