using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Orchestrator.Coordinator.Models;

namespace Orchestrator.Coordinator.Checkpoints;

/// <summary>manifest.json: what makes a folder a checkpoint.</summary>
/// <remarks>
/// A JSON object whose last member is the SHA-256 of all bytes before it: a manifest that was torn or changed is known as such, whatever it still says.
/// Numbers are written so that they are read as the same bits; a loss that is not finite is null.
/// </remarks>
internal static class ManifestFile
{
    public const string Name = "manifest.json";

    private const int Version = 1;
    private const int DigestCharacters = 64;

    private static readonly byte[] BeforeDigest = Encoding.ASCII.GetBytes(",\n  \"sha256\": \"");
    private static readonly byte[] AfterDigest = Encoding.ASCII.GetBytes("\"\n}\n");

    /// <exception cref="InvalidInputException">It cannot be read, or it is not what was written.</exception>
    public static CheckpointManifest Read(string folder)
    {
        var file = Path.Combine(folder, Name);
        ConfigDocument.Read(file, out var bytes);
        return Parse(bytes, file);
    }

    /// <summary>The file's bytes; equal manifests have equal ones.</summary>
    public static byte[] ToBytes(CheckpointManifest manifest)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream, new JsonWriterOptions { Indented = true, NewLine = "\n" }))
        {
            ManifestJson.Write(json, manifest, Version);
        }

        // Without the object's own end, behind which the digest goes.
        return Seal(stream.ToArray().AsSpan()[..^2]);
    }

    /// <summary>Ends an open JSON object with the digest of its bytes.</summary>
    public static byte[] Seal(ReadOnlySpan<byte> content) =>
        [.. content, .. BeforeDigest, .. Encoding.ASCII.GetBytes(Convert.ToHexStringLower(SHA256.HashData(content))), .. AfterDigest];

    /// <summary>Reads a manifest's bytes; <paramref name="file"/> is the name for messages.</summary>
    /// <exception cref="InvalidInputException">They are not those of a whole manifest.</exception>
    public static CheckpointManifest Parse(byte[] bytes, string file)
    {
        var document = ConfigDocument.Parse(bytes, file);
        var content = bytes.AsSpan()[..Math.Max(0, bytes.Length - BeforeDigest.Length - DigestCharacters - AfterDigest.Length)];
        return Seal(content).AsSpan().SequenceEqual(bytes)
            ? ManifestJson.Read(document, Version)
            : throw new InvalidInputException($"{file} is damaged: it does not end with the digest of what it says.");
    }
}
