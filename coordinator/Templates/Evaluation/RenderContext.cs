namespace Orchestrator.Coordinator.Templates.Evaluation;

/// <summary>What one rendering carries through every call.</summary>
/// <remarks>One thread. Nothing in it depends on the machine or on the moment: equal inputs give equal texts.</remarks>
internal sealed class RenderContext(Budget budget, DateTime clock)
{
    public Budget Budget { get; } = budget;

    /// <summary>What strftime_now tells.</summary>
    public DateTime Clock { get; } = clock;

    /// <summary>Whether an autoescape block is around; transformers starts without.</summary>
    public bool Autoescape { get; set; }

    /// <summary>Draws of the random filter, in their order: always the same ones.</summary>
    public int Draws { get; set; }

    /// <summary>Generation blocks executed so far.</summary>
    public int GenerationBlocks { get; set; }
}
