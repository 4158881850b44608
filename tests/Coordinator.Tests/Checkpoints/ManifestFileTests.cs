using System.Text;
using System.Text.Json;
using Orchestrator.Coordinator.Checkpoints;
using Orchestrator.Coordinator.Tests.Fuzz;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Tests.Checkpoints;

public sealed class ManifestFileTests
{
    private static readonly byte[] Valid = ManifestFile.ToBytes(Whole());

    [Fact]
    public void Parse_OfWhatWasWritten_GivesEveryBitBack()
    {
        Assert.Equal(Whole(), ManifestFile.Parse(Valid, "manifest.json"));

        using var json = JsonDocument.Parse(Valid);
        Assert.Equal(
            ["version", "step", "job", "job_hash", "generation", "fence", "time", "numeric_class", "compute_dtype", "class_changed", "data_cursor", "tokens", "seconds", "skipped_in_a_row", "clock",
                "first_evaluation", "last_evaluation", "best_evaluation", "layouts", "blobs", "sha256"],
            json.RootElement.EnumerateObject().Select(member => member.Name));
    }

    [Fact]
    public void Parse_OfAnyPrefix_IsRefused()
    {
        for (var length = 0; length < Valid.Length; length++)
        {
            Assert.Throws<InvalidInputException>(() => ManifestFile.Parse(Valid[..length], "manifest.json"));
        }
    }

    [Fact]
    public void Parse_WithAnyBitFlipped_IsRefused()
    {
        for (var bit = 0; bit < Valid.Length * 8; bit++)
        {
            byte[] flipped = [.. Valid];
            flipped[bit / 8] ^= (byte)(1 << (bit % 8));
            Assert.Throws<InvalidInputException>(() => ManifestFile.Parse(flipped, "manifest.json"));
        }
    }

    /// <summary>Sealed by somebody, with a name that would lead out of the folder, twice the same layer, or from a later version.</summary>
    [Theory]
    [InlineData("\"sha256\": \"ab", "\"sha256\": \"../../../etc/", "sha256 must be the 64 digits of a digest")]
    [InlineData("\"layer\": 1", "\"layer\": 0", "blobs are not those of different layers")]
    [InlineData("\"version\": 1", "\"version\": 2", "is of version 2, which this program does not know")]
    [InlineData("\"compute_dtype\": \"bfloat16\"", "\"compute_dtype\": \"float8\"", "compute_dtype must be bfloat16 or float32")]
    [InlineData("\"step\": 4", "\"step\": -4", "step must be a whole number")]
    [InlineData("\"fence\": 3,", "", "lacks fence")]
    public void Parse_OfASealedManifestThatSaysNonsense_IsRefused(string what, string with, string sentence)
    {
        var text = Encoding.UTF8.GetString(Open(Valid));
        Assert.Contains(what, text, StringComparison.Ordinal);
        var at = text.IndexOf(what, StringComparison.Ordinal);

        var refused = Assert.Throws<InvalidInputException>(() =>
            ManifestFile.Parse(ManifestFile.Seal(Encoding.UTF8.GetBytes(text[..at] + with + text[(at + what.Length)..])), "manifest.json"));

        Assert.Contains(sentence, refused.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void Parse_MutatedManifests_AcceptsOrRefusesInOneSentence()
    {
        // Sealed anew after each mutation, else the digest alone would refuse them all.
        var result = new MutationFuzzer { Rounds = 4_000 }.Run([Open(Valid), Open(ManifestFile.ToBytes(Manifests.Of(1)))], content => ManifestFile.Parse(ManifestFile.Seal(content), "manifest.json"));

        Assert.True(result is { Accepted: > 50, Refused: > 500 }, result.ToString());
    }

    private static CheckpointManifest Whole()
    {
        var manifest = Manifests.Of(4);
        manifest.Blobs.Add(new StateBlob { Layer = 0, Sha256 = string.Concat(Enumerable.Repeat("ab", 32)), Bytes = 100 });
        manifest.Blobs.Add(new StateBlob { Layer = 1, Sha256 = string.Concat(Enumerable.Repeat("0f", 32)), Bytes = 200 });
        return manifest;
    }

    private static byte[] Open(byte[] whole) => whole[..whole.AsSpan().LastIndexOf(",\n  \"sha256\""u8)];
}
