using System.Buffers.Binary;
using System.Text;

namespace Orchestrator.Worker.Runtime;

/// <summary>Marks a symbol version that an ELF64 library asks for as weak, so that the loader accepts a system without it.</summary>
/// <remarks>
/// Layout: System V gABI and the Linux Standard Base, "Symbol Version Requirements": PT_DYNAMIC gives DT_VERNEED (a list of
/// Elf64_Verneed, one a library) whose Elf64_Vernaux entries (one a version) carry vna_flags; VER_FLG_WEAK is 2.
/// </remarks>
internal static class ElfVersionNeeds
{
    private const uint PtLoad = 1;
    private const uint PtDynamic = 2;
    private const ulong DtStrTab = 5;
    private const ulong DtVerNeed = 0x6ffffffe;
    private const ulong DtVerNeedNum = 0x6fffffff;
    private const ushort FlagWeak = 2;

    /// <summary>Marks <paramref name="version"/> of <paramref name="library"/> weak in <paramref name="image"/>; returns how many entries were marked.</summary>
    /// <exception cref="InvalidDataException">The image is no little-endian ELF64 file, or its tables lie outside of it.</exception>
    public static int MarkWeak(Span<byte> image, string library, string version)
    {
        // The magic number is written as bytes: "\x7fELF" in C# would begin with U+07FE.
        if (image.Length < 64 || !image[..4].SequenceEqual<byte>([0x7f, (byte)'E', (byte)'L', (byte)'F']) || image[4] != 2 || image[5] != 1)
            throw new InvalidDataException("not a little-endian ELF64 file");
        try
        {
            return Mark(image, library, version);
        }
        catch (Exception e) when (e is ArgumentOutOfRangeException or OverflowException)
        {
            throw new InvalidDataException("an ELF table lies outside of the file", e);
        }
    }

    private static int Mark(Span<byte> image, string library, string version)
    {
        var (strings, needs, numNeeds) = ReadDynamic(image);
        if (needs == 0)
            return 0;
        var marked = 0;
        var need = checked((int)FileOffset(image, needs));
        var stringsAt = checked((int)FileOffset(image, strings));
        for (var n = 0UL; n < numNeeds; n++)
        {
            var numAux = U16(image, need + 2);
            var fileName = Text(image, stringsAt + checked((int)U32(image, need + 4)));
            var aux = need + checked((int)U32(image, need + 8));
            for (var a = 0; a < numAux; a++)
            {
                if (fileName == library && Text(image, stringsAt + checked((int)U32(image, aux + 8))) == version)
                {
                    BinaryPrimitives.WriteUInt16LittleEndian(image[(aux + 4)..], (ushort)(U16(image, aux + 4) | FlagWeak));
                    marked++;
                }

                aux += checked((int)U32(image, aux + 12));
            }

            need += checked((int)U32(image, need + 12));
        }

        return marked;
    }

    private static (ulong Strings, ulong Needs, ulong NumNeeds) ReadDynamic(ReadOnlySpan<byte> image)
    {
        ulong strings = 0, needs = 0, numNeeds = 0;
        foreach (var header in ProgramHeaders(image))
        {
            if (header.Type != PtDynamic)
                continue;
            for (var at = checked((int)header.Offset); at + 16 <= checked((int)(header.Offset + header.FileSize)); at += 16)
            {
                var value = U64(image, at + 8);
                switch (U64(image, at))
                {
                    case DtStrTab: strings = value; break;
                    case DtVerNeed: needs = value; break;
                    case DtVerNeedNum: numNeeds = value; break;
                }
            }
        }

        return (strings, needs, numNeeds);
    }

    private static ulong FileOffset(ReadOnlySpan<byte> image, ulong address)
    {
        foreach (var header in ProgramHeaders(image))
        {
            if (header.Type == PtLoad && address >= header.Address && address - header.Address < header.FileSize)
                return address - header.Address + header.Offset;
        }

        throw new ArgumentOutOfRangeException(nameof(address));
    }

    private static List<(uint Type, ulong Offset, ulong Address, ulong FileSize)> ProgramHeaders(ReadOnlySpan<byte> image)
    {
        var table = checked((int)U64(image, 32));
        int size = U16(image, 54), count = U16(image, 56);
        var headers = new List<(uint, ulong, ulong, ulong)>(count);
        for (var i = 0; i < count; i++)
        {
            var at = table + (i * size);
            headers.Add((U32(image, at), U64(image, at + 8), U64(image, at + 16), U64(image, at + 32)));
        }

        return headers;
    }

    private static ushort U16(ReadOnlySpan<byte> image, int at) => BinaryPrimitives.ReadUInt16LittleEndian(image.Slice(at, 2));

    private static uint U32(ReadOnlySpan<byte> image, int at) => BinaryPrimitives.ReadUInt32LittleEndian(image.Slice(at, 4));

    private static ulong U64(ReadOnlySpan<byte> image, int at) => BinaryPrimitives.ReadUInt64LittleEndian(image.Slice(at, 8));

    private static string Text(ReadOnlySpan<byte> image, int at)
    {
        var rest = image[at..];
        var end = rest.IndexOf((byte)0);
        return Encoding.ASCII.GetString(end < 0 ? rest : rest[..end]);
    }
}
