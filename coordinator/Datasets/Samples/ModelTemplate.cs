using System.Text.RegularExpressions;
using Orchestrator.Coordinator.Templates;

namespace Orchestrator.Coordinator.Datasets;

/// <summary>A chat template and what its source tells of it.</summary>
/// <remarks>Immutable; safe for concurrent use.</remarks>
internal sealed partial class ModelTemplate
{
    private ModelTemplate(string source, string name)
    {
        Template = ChatTemplate.Parse(source, name);
        HasGenerationMarks = GenerationMark().IsMatch(source);
    }

    public ChatTemplate Template { get; }

    /// <summary>The template says itself what an assistant has made.</summary>
    public bool HasGenerationMarks { get; }

    /// <exception cref="InvalidInputException">It is no template, or has a construct that is not built.</exception>
    public static ModelTemplate Parse(string source, string name) => new(source, name);

    /// <summary>Whether a template may write the date.</summary>
    public static bool TellsTime(string? source) => source?.Contains("strftime_now", StringComparison.Ordinal) == true;

    // The pattern by which transformers itself decides.
    [GeneratedRegex(@"\{%[-+]?\s*generation\s*[-+]?%\}", RegexOptions.CultureInvariant | RegexOptions.NonBacktracking)]
    private static partial Regex GenerationMark();
}
