using Orchestrator.Coordinator.Datasets;
using Orchestrator.Coordinator.Tokenizers;

namespace Orchestrator.Coordinator.Cli.Render;

/// <summary>Where a template comes from, and what stands beside it.</summary>
/// <param name="Templates">The folder's templates, or that of the file.</param>
/// <param name="SpecialTokens">Named tokens of the model's tokenizer.</param>
/// <param name="Tokenizer">Null where the folder has none: then the text alone is shown.</param>
internal sealed record RenderSource(ModelTemplates Templates, IReadOnlyDictionary<string, string> SpecialTokens, Tokenizer? Tokenizer)
{
    /// <exception cref="InvalidInputException">Neither or both are given, or the template is not there.</exception>
    public static RenderSource Read(string? model, string? template) => (model, template) switch
    {
        ({ } folder, null) => OfModel(folder),
        (null, { } file) => new RenderSource(new ModelTemplates(TemplateFile.Read(file), null, file, file), new Dictionary<string, string>(StringComparer.Ordinal), null),
        _ => throw new InvalidInputException("render takes a template from --model DIR or from --template FILE.jinja: give one of them."),
    };

    private static RenderSource OfModel(string folder)
    {
        if (!Directory.Exists(folder))
        {
            throw new InvalidInputException($"The model folder '{folder}' does not exist.");
        }

        var config = TokenizerConfig.Open(folder);
        var text = config.ChatTemplate
            ?? throw new InvalidInputException($"The folder '{folder}' has no chat template ({TokenizerConfig.TemplateFileName}, or chat_template in {TokenizerConfig.FileName}); give one with --template FILE.jinja.");
        var file = Path.Combine(folder, TokenizerConfig.TemplateFileName);
        var name = File.Exists(file) ? file : Path.Combine(folder, TokenizerConfig.FileName);
        return new RenderSource(
            new ModelTemplates(text, config.ToolTemplate, name, $"{name} (tools)"), config.NamedTokens, File.Exists(Path.Combine(folder, Tokenizer.FileName)) ? Tokenizer.Open(folder) : null);
    }
}
