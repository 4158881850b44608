namespace Orchestrator.Worker.Runtime;

/// <summary>What the NVIDIA kernel driver says about itself and its cards, read from /proc without any library.</summary>
internal static class NvidiaDriver
{
    private const string Root = "/proc/driver/nvidia";

    /// <summary>The driver's version line; null where no driver is loaded.</summary>
    public static string? Version(string root = Root)
    {
        var file = Path.Combine(root, "version");
        return File.Exists(file) ? File.ReadLines(file).FirstOrDefault()?.Replace("NVRM version: ", "", StringComparison.Ordinal).Trim() : null;
    }

    /// <summary>The cards' model names in bus order, which is the order of CUDA_DEVICE_ORDER=PCI_BUS_ID.</summary>
    public static IReadOnlyList<string> Models(string root = Root)
    {
        var folder = Path.Combine(root, "gpus");
        if (!Directory.Exists(folder))
            return [];
        return [.. Directory.GetDirectories(folder).Order(StringComparer.Ordinal).Select(Model)];
    }

    /// <summary>The model name of one card; null where the driver does not say it.</summary>
    public static string? ModelName(int index)
    {
        var models = Models();
        return index < models.Count ? models[index] : null;
    }

    private static string Model(string folder)
    {
        var information = Path.Combine(folder, "information");
        var line = File.Exists(information) ? File.ReadLines(information).FirstOrDefault(l => l.StartsWith("Model:", StringComparison.Ordinal)) : null;
        return line?["Model:".Length..].Trim() ?? "unknown NVIDIA card";
    }
}
