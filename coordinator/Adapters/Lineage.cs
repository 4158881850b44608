using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Serialization;

namespace Orchestrator.Coordinator.Adapters;

/// <summary>A base model or adapter that training started from.</summary>
/// <param name="Name">As the job names it.</param>
/// <param name="Sha256">Over all its files.</param>
/// <param name="Files">SHA-256 by file name.</param>
internal sealed record LineageSource(string Name, string Sha256, IReadOnlyDictionary<string, string> Files);

/// <summary>A prepared split of the data.</summary>
/// <param name="Split"><c>train</c> or <c>eval</c>.</param>
/// <param name="Sha256">Of the prepared shard.</param>
/// <param name="Samples">Samples in it.</param>
/// <param name="Tokens">Tokens in it.</param>
internal sealed record LineageData(string Split, string Sha256, ulong Samples, ulong Tokens);

/// <summary>A stretch of steps that ran on one layout.</summary>
internal sealed record LineageLayout(ulong Generation, ulong FirstStep, ulong LastStep, uint Replicas, uint Stages);

/// <summary>Where an adapter comes from: everything that fixes its bits, and how it was run.</summary>
/// <remarks>Written as lineage.json beside the adapter.</remarks>
internal sealed record Lineage
{
    private static readonly JsonSerializerOptions Options = new()
    {
        PropertyNamingPolicy = JsonNamingPolicy.SnakeCaseLower,
        DefaultIgnoreCondition = JsonIgnoreCondition.Never,
        WriteIndented = true,
        NewLine = "\n",
        Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping,
    };

    /// <summary>The base model.</summary>
    public required LineageSource Base { get; init; }

    /// <summary>The adapter it started from, or null.</summary>
    public LineageSource? InitFrom { get; init; }

    /// <summary>The data.</summary>
    public required IReadOnlyList<LineageData> Data { get; init; }

    /// <summary>SHA-256 of the resolved job.</summary>
    public required string JobSha256 { get; init; }

    /// <summary>The step whose state this is.</summary>
    public required ulong Step { get; init; }

    /// <summary>Versions of what took part, e.g. <c>orchestrator</c>, <c>libtorch</c>, <c>kernels</c>.</summary>
    public required IReadOnlyDictionary<string, string> Versions { get; init; }

    /// <summary>The numeric class that the bits hold for, in words.</summary>
    public required string NumericClass { get; init; }

    /// <summary>Whether any layout of that class would have given the same bits.</summary>
    public required bool BitIdentical { get; init; }

    /// <summary>The layouts in order.</summary>
    public required IReadOnlyList<LineageLayout> Layouts { get; init; }

    /// <summary>The file's content.</summary>
    public byte[] ToJson() => [.. JsonSerializer.SerializeToUtf8Bytes(this, Options), (byte)'\n'];
}
