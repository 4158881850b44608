using System.Globalization;

namespace Orchestrator.Worker.Runtime;

/// <summary>What the NVIDIA kernel driver says about itself and its cards, read from /proc without any library.</summary>
internal static class NvidiaDriver
{
    private const string Root = "/proc/driver/nvidia";
    private const string VisibleVariable = "CUDA_VISIBLE_DEVICES";

    /// <summary>The driver's version line; null where no driver is loaded.</summary>
    public static string? Version(string root = Root)
    {
        var file = Path.Combine(root, "version");
        return File.Exists(file) ? File.ReadLines(file).FirstOrDefault()?.Replace("NVRM version: ", "", StringComparison.Ordinal).Trim() : null;
    }

    /// <summary>The cards' model names in bus order, which is the order of CUDA_DEVICE_ORDER=PCI_BUS_ID.</summary>
    public static IReadOnlyList<string> Models(string root = Root) => [.. Cards(root).Select(Model)];

    /// <summary>The model name of the card that this process calls cuda:<paramref name="index"/>; null where the driver does not say it.</summary>
    public static string? ModelName(int index) => ModelName(index, Root, Environment.GetEnvironmentVariable(VisibleVariable));

    /// <summary>The same.</summary>
    /// <param name="index">N of cuda:N.</param>
    /// <param name="root">The driver's folder.</param>
    /// <param name="visible">CUDA_VISIBLE_DEVICES, which hides and reorders: numbers in bus order, or beginnings of UUIDs; null: all.</param>
    public static string? ModelName(int index, string root, string? visible)
    {
        var cards = Cards(root);
        if (visible is null)
            return index < cards.Count ? Model(cards[index]) : null;
        var entries = visible.Split(',', StringSplitOptions.TrimEntries);
        return index < entries.Length && Find(cards, entries[index]) is { } card ? Model(card) : null;
    }

    private static IReadOnlyList<string> Cards(string root)
    {
        var folder = Path.Combine(root, "gpus");
        return Directory.Exists(folder) ? [.. Directory.GetDirectories(folder).Order(StringComparer.Ordinal)] : [];
    }

    private static string? Find(IReadOnlyList<string> cards, string entry)
    {
        if (int.TryParse(entry, NumberStyles.None, CultureInfo.InvariantCulture, out var number))
            return number < cards.Count ? cards[number] : null;
        return entry.Length == 0 ? null : cards.FirstOrDefault(card => Fact(card, "GPU UUID:")?.StartsWith(entry, StringComparison.OrdinalIgnoreCase) == true);
    }

    private static string Model(string card) => Fact(card, "Model:") ?? "unknown NVIDIA card";

    private static string? Fact(string card, string name)
    {
        var information = Path.Combine(card, "information");
        var line = File.Exists(information) ? File.ReadLines(information).FirstOrDefault(line => line.StartsWith(name, StringComparison.Ordinal)) : null;
        return line?[name.Length..].Trim();
    }
}
