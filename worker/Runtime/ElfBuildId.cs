using System.Buffers.Binary;

namespace Orchestrator.Worker.Runtime;

/// <summary>Reads the build id that the linker wrote into an ELF64 library: it tells two builds of one version apart.</summary>
internal static class ElfBuildId
{
    private const uint PtNote = 4;
    private const uint NtGnuBuildId = 3;

    /// <summary>The first eight hex digits of the build id, or the file's length in hex where it has none.</summary>
    public static string Read(string path)
    {
        using var file = File.OpenRead(path);
        Span<byte> header = stackalloc byte[64];
        file.ReadExactly(header);
        var table = (long)BinaryPrimitives.ReadUInt64LittleEndian(header[32..]);
        int size = BinaryPrimitives.ReadUInt16LittleEndian(header[54..]), count = BinaryPrimitives.ReadUInt16LittleEndian(header[56..]);
        var entry = new byte[Math.Max(size, 56)];
        for (var i = 0; i < count; i++)
        {
            file.Position = table + ((long)i * size);
            file.ReadExactly(entry.AsSpan(0, size));
            if (BinaryPrimitives.ReadUInt32LittleEndian(entry) != PtNote)
                continue;
            var notes = new byte[Math.Min(BinaryPrimitives.ReadUInt64LittleEndian(entry.AsSpan(32)), 4096UL)];
            file.Position = (long)BinaryPrimitives.ReadUInt64LittleEndian(entry.AsSpan(8));
            file.ReadExactly(notes);
            if (Find(notes) is { } id)
                return id;
        }

        return $"{file.Length:x8}";
    }

    private static string? Find(ReadOnlySpan<byte> notes)
    {
        while (notes.Length >= 12)
        {
            var nameSize = (int)BinaryPrimitives.ReadUInt32LittleEndian(notes);
            var descriptionSize = (int)BinaryPrimitives.ReadUInt32LittleEndian(notes[4..]);
            var description = 12 + ((nameSize + 3) & ~3);
            if (nameSize < 0 || descriptionSize < 0 || description + descriptionSize > notes.Length)
                return null;
            if (BinaryPrimitives.ReadUInt32LittleEndian(notes[8..]) == NtGnuBuildId && descriptionSize >= 4 && notes[12..].StartsWith("GNU\0"u8))
                return Convert.ToHexStringLower(notes.Slice(description, 4));
            notes = notes[Math.Min(notes.Length, description + ((descriptionSize + 3) & ~3))..];
        }

        return null;
    }
}
