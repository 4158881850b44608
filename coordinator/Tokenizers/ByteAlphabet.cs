using System.Text;

namespace Orchestrator.Coordinator.Tokenizers;

/// <summary>The table that writes each byte as a printable character, in which byte-level vocabularies are spelled.</summary>
/// <remarks>Bytes 33-126, 161-172 and 174-255 are themselves, the other 68 follow from U+0100 in their order.</remarks>
internal static class ByteAlphabet
{
    private static readonly char[] Characters = Build();
    private static readonly short[] Bytes = Invert();

    /// <summary>The character of a byte.</summary>
    public static char Character(byte value) => Characters[value];

    /// <summary>The bytes that a vocabulary entry stands for, or null if a character is none of the table.</summary>
    public static byte[]? ToBytes(string token)
    {
        var bytes = new byte[token.Length];
        for (int i = 0; i < token.Length; i++)
        {
            if (token[i] >= Bytes.Length || Bytes[token[i]] < 0)
            {
                return null;
            }

            bytes[i] = (byte)Bytes[token[i]];
        }

        return bytes;
    }

    /// <summary>What the ByteLevel decoder makes of a token: its bytes, or its own UTF-8 if it is not spelled in the table.</summary>
    public static byte[] Decode(string token) => ToBytes(token) ?? Encoding.UTF8.GetBytes(token);

    private static char[] Build()
    {
        var characters = new char[256];
        int next = 0x100;
        for (int value = 0; value < 256; value++)
        {
            characters[value] = value is (>= 33 and <= 126) or (>= 161 and <= 172) or >= 174 ? (char)value : (char)next++;
        }

        return characters;
    }

    private static short[] Invert()
    {
        var bytes = new short[Characters.Max() + 1];
        Array.Fill(bytes, (short)-1);
        for (int value = 0; value < 256; value++)
        {
            bytes[Characters[value]] = (short)value;
        }

        return bytes;
    }
}
