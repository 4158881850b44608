using System.Buffers.Binary;
using System.Text;
using System.Text.Json.Nodes;

namespace Orchestrator.Integration.Tests.Refusals;

/// <summary>Each rule of safetensors, broken in a working model: <c>train</c> and <c>inspect</c> refuse it by file, tensor and rule.</summary>
public sealed class DamagedWeightsTests
{
    private const string First = "lm_head.weight";
    private const string Second = "model.embed_tokens.weight";

    public static TheoryData<string> Rules => [.. Cases.Keys];

    /// <summary>By rule: how the file is damaged, and the pattern of the sentence.</summary>
    private static Dictionary<string, (Func<byte[], byte[]> Damage, string Sentence)> Cases { get; } = new(StringComparer.Ordinal)
    {
        ["the header is whole"] = (file => file[..60], "claims \\d+ bytes, but only 52 follow; the file is truncated"),
        ["a header has at most 100 MB"] = (file => [0xff, 0xff, 0xff, 0xff, 0, 0, 0, 0, .. file[8..]], "claims 4294967295 bytes, over the format's limit of 100 MB"),
        ["the header begins with a brace"] = (file => [.. file[..8], (byte)' ', .. file[9..]], "does not begin with '\\{'"),
        ["no key stands twice"] = (file => WithText(file, text => text.Replace($"\"{Second}\"", $"\"{First}\"", StringComparison.Ordinal)), $"tensor '{First}'.*stands twice"),
        ["offsets begin at 0"] = (file => Shifted(file, from: 0, by: 2), $"tensor '{First}'.*does not start at 0"),
        ["ranges are contiguous"] = (file => Shifted(file, from: 1, by: 2), $"tensor '{Second}'.*2 bytes before its range"),
        ["ranges do not overlap"] = (file => Shifted(file, from: 1, by: -2), $"tensor '{Second}'.*overlaps that of '{First}'"),
        ["ranges cover the buffer"] = (file => [.. file, 1, 2, 3], "3 bytes at its end belong to no tensor"),
        ["the buffer is whole"] = (file => file[..^4096], "tensor '\\S+'.*truncated"),
        ["shape and type fill the range"] = (file => WithHeader(file, header => header[First]!["shape"]![0] = 7), $"tensor '{First}'.*\\[7, \\d+\\] of BF16 does not fill its range"),
    };

    [Theory]
    [MemberData(nameof(Rules))]
    public void TrainAndInspect_BrokenRule_EndWithOneSentenceAndNothingWritten(string rule)
    {
        using var job = new WorkingJob();
        string file = job["base", "model.safetensors"];
        File.WriteAllBytes(file, Cases[rule].Damage(File.ReadAllBytes(file)));
        string sentence = $"{file} is not a valid safetensors file: .*{Cases[rule].Sentence}";
        using var train = job.StartTraining();
        using var inspect = job.Start([], Repository.Coordinator, "inspect", job["base"]);
        Refusal.Check(train.Finish(), 2, sentence);
        Refusal.Check(inspect.Finish(), 2, sentence);
        job.AssertUntouched();
    }

    /// <summary>Moves the ranges from a tensor on, and their bytes, so that no other rule is broken.</summary>
    private static byte[] Shifted(byte[] file, int from, int by)
    {
        byte[] moved = WithHeader(file, header =>
        {
            var ranges = header.Where(entry => entry.Key != "__metadata__").Select(entry => entry.Value!["data_offsets"]!.AsArray()).OrderBy(range => range[0]!.GetValue<long>());
            foreach (var range in ranges.Skip(from))
            {
                (range[0], range[1]) = (range[0]!.GetValue<long>() + by, range[1]!.GetValue<long>() + by);
            }
        });
        return by > 0 ? [.. moved, .. new byte[by]] : moved[..^-by];
    }

    private static byte[] WithHeader(byte[] file, Action<JsonObject> change) => WithText(file, text =>
    {
        var header = JsonNode.Parse(text)!.AsObject();
        change(header);
        return header.ToJsonString();
    });

    private static byte[] WithText(byte[] file, Func<string, string> change)
    {
        int length = (int)BinaryPrimitives.ReadUInt64LittleEndian(file);
        byte[] header = Encoding.UTF8.GetBytes(change(Encoding.UTF8.GetString(file, 8, length)));
        byte[] prefix = new byte[8];
        BinaryPrimitives.WriteUInt64LittleEndian(prefix, (ulong)header.Length);
        return [.. prefix, .. header, .. file[(8 + length)..]];
    }
}
