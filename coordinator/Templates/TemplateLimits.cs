namespace Orchestrator.Coordinator.Templates;

/// <summary>What one rendering may cost at most; jinja2 itself bounds none of it.</summary>
/// <remarks>The defaults are far above any chat (a conversation of 500 KB takes some ten thousand steps and a few million units) and far below a second.</remarks>
internal sealed record TemplateLimits
{
    public static TemplateLimits Default { get; } = new();

    /// <summary>Evaluated nodes, compared and iterated elements.</summary>
    public long Steps { get; init; } = 1_000_000;

    /// <summary>Characters and (eight units each) elements that the template makes in all, dropped ones too.</summary>
    public long AllocatedUnits { get; init; } = 40L << 20;

    /// <summary>UTF-16 units of the rendered text.</summary>
    public int OutputLength { get; init; } = 16 << 20;

    /// <summary>Nested evaluations, macro calls and nested data taken together.</summary>
    public int Depth { get; init; } = 1200;
}
