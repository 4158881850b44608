using Orchestrator.Coordinator.Datasets;
using Orchestrator.Coordinator.Tokenizers;

namespace Orchestrator.Coordinator.Cli.Render;

/// <summary>Where a template comes from, and what stands beside it.</summary>
/// <param name="Text">The template's source.</param>
/// <param name="ToolText">The source of the template for chats with tools; null: they take the other one.</param>
/// <param name="Name">Its file, for messages.</param>
/// <param name="SpecialTokens">Named tokens of the model's tokenizer.</param>
/// <param name="Tokenizer">Null where the folder has none: then the text alone is shown.</param>
internal sealed record RenderSource(string Text, string? ToolText, string Name, IReadOnlyDictionary<string, string> SpecialTokens, Tokenizer? Tokenizer)
{
    private const int MaxTemplateBytes = 1_000_000;

    /// <summary>The template of chats with tools, or of those without.</summary>
    /// <exception cref="InvalidInputException">It is no template, or has a construct that is not built.</exception>
    public ModelTemplate Parse(bool tools) => tools && ToolText is { } text ? ModelTemplate.Parse(text, $"{Name} (tools)") : ModelTemplate.Parse(Text, Name);

    /// <exception cref="InvalidInputException">Neither or both are given, or the template is not there.</exception>
    public static RenderSource Read(string? model, string? template) => (model, template) switch
    {
        ({ } folder, null) => OfModel(folder),
        (null, { } file) => OfFile(file),
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
        return new RenderSource(
            text, config.ToolTemplate, File.Exists(file) ? file : Path.Combine(folder, TokenizerConfig.FileName), config.NamedTokens, File.Exists(Path.Combine(folder, Tokenizer.FileName)) ? Tokenizer.Open(folder) : null);
    }

    private static RenderSource OfFile(string file)
    {
        try
        {
            return new FileInfo(file).Length <= MaxTemplateBytes ? new RenderSource(File.ReadAllText(file), null, file, new Dictionary<string, string>(StringComparer.Ordinal), null)
                : throw new InvalidInputException($"The template '{file}' is larger than {MaxTemplateBytes} bytes, which no chat template is.");
        }
        catch (Exception exception) when (exception is FileNotFoundException or DirectoryNotFoundException)
        {
            throw new InvalidInputException($"The template '{file}' does not exist.", exception);
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException)
        {
            throw new InvalidInputException($"The template '{file}' cannot be read: {exception.Message.TrimEnd('.')}.", exception);
        }
    }
}
