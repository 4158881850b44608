namespace Orchestrator.Coordinator.Models;

/// <summary>Says for each layer how far back attention sees; 0 means all the way.</summary>
internal static class AttentionWindows
{
    private const long DefaultWindow = 4096;

    /// <summary>Reads the window rules of a family, with transformers' defaults.</summary>
    public static IReadOnlyList<uint> Read(ConfigDocument config, string family, int layers) => family switch
    {
        "mistral" => [.. Enumerable.Repeat(Window(config), layers)],
        "qwen2" => Qwen2(config, layers),
        _ => [.. Enumerable.Repeat(0u, layers)],
    };

    // Qwen2 ignores its window unless use_sliding_window says otherwise, and then the first max_window_layers layers see everything.
    private static uint[] Qwen2(ConfigDocument config, int layers)
    {
        uint window = config.Boolean("use_sliding_window") ?? false ? Window(config) : 0;
        long full = config.Integer("max_window_layers", 0, int.MaxValue) ?? 28;
        if (config.Texts("layer_types") is not { } types)
        {
            return [.. Enumerable.Range(0, layers).Select(layer => layer >= full ? window : 0)];
        }

        if (types.Count != layers)
        {
            throw new InvalidInputException($"{config.File}: layer_types has {types.Count} entries for {layers} layers.");
        }

        return [.. types.Select(type => type switch
        {
            "full_attention" => 0u,
            "sliding_attention" => window,
            _ => throw new InvalidInputException(
                $"{config.File}: layer type '{ForeignText.Clip(type)}' is not supported; supported are full_attention and sliding_attention."),
        })];
    }

    // An absent key is the families' default of 4096, null means no window.
    private static uint Window(ConfigDocument config) => config.Root.TryGetProperty("sliding_window", out _)
        ? (uint)(config.Integer("sliding_window", 1, int.MaxValue) ?? 0)
        : (uint)DefaultWindow;
}
