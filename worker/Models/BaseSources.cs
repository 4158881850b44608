using System.Runtime.InteropServices;

namespace Orchestrator.Worker.Models;

/// <summary>Where the bytes of a stage's frozen weights came from.</summary>
/// <param name="Read">Bytes of model files that were read.</param>
/// <param name="Cached">Bytes of quantized weights that came out of the worker's cache.</param>
/// <param name="Received">Bytes of quantized weights that other workers gave.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct BaseSources(ulong Read, ulong Cached, ulong Received)
{
    /// <summary>The same for a person: "3.5 GB from the cache, 1.2 GB read from the model's files".</summary>
    public override string ToString() => string.Join(", ", Parts());

    private IEnumerable<string> Parts()
    {
        if (Cached > 0)
            yield return $"{Size(Cached)} from the cache";
        if (Received > 0)
            yield return $"{Size(Received)} from other workers";
        if (Read > 0 || (Cached == 0 && Received == 0))
            yield return $"{Size(Read)} read from the model's files";
    }

    private static string Size(ulong bytes) => bytes switch
    {
        >= 1_000_000_000 => FormattableString.Invariant($"{bytes / 1e9:0.00} GB"),
        >= 1_000_000 => FormattableString.Invariant($"{bytes / 1e6:0.0} MB"),
        _ => FormattableString.Invariant($"{bytes / 1e3:0.0} kB"),
    };
}
