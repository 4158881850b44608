using System.Globalization;

namespace Orchestrator.Worker.Runtime;

/// <summary>The names that <c>--device</c> knows: "cpu", "cuda" and "cuda:N".</summary>
internal static class DeviceNames
{
    private const string Card = "cuda:";

    /// <summary>The sentence that says that a name is none; null: it is one, whether or not this machine has the device.</summary>
    public static string? WhyUnknown(string name) =>
        name is "cpu" or "cuda" || (name.StartsWith(Card, StringComparison.Ordinal) && int.TryParse(name.AsSpan(Card.Length), NumberStyles.None, CultureInfo.InvariantCulture, out _))
            ? null
            : $"--device '{name}' is unknown: use cpu or cuda:0.";

    /// <summary>The index in a device name: 1 of "cuda:1", 0 of "cuda".</summary>
    public static int IndexOf(string device) =>
        device.StartsWith(Card, StringComparison.Ordinal) ? int.Parse(device.AsSpan(Card.Length), NumberStyles.None, CultureInfo.InvariantCulture) : 0;
}
