using Orchestrator.Coordinator.Jobs;

namespace Orchestrator.Coordinator.Datasets;

/// <summary>How the rows of a file call the fields of a format.</summary>
internal sealed class FieldNames
{
    private static readonly Dictionary<DataFormat, string[]> OfFormat = new()
    {
        [DataFormat.Messages] = ["messages", "tools", "documents", "chat_template_kwargs", "role", "content"],
        [DataFormat.Sharegpt] = ["conversations", "system", "tools", "documents", "chat_template_kwargs", "from", "value"],
        [DataFormat.Alpaca] = ["instruction", "input", "output", "system"],
        [DataFormat.PromptCompletion] = ["prompt", "completion", "tools", "documents", "chat_template_kwargs", "role", "content"],
        [DataFormat.Text] = ["text"],
        [DataFormat.Tokens] = ["input_ids", "labels"],
    };

    private readonly Dictionary<string, string> _sources;

    private FieldNames(IReadOnlyList<string> all, Dictionary<string, string> sources) => (All, _sources) = (all, sources);

    /// <summary>The format's names of its fields.</summary>
    public IReadOnlyList<string> All { get; }

    /// <summary>The names of a format's rows.</summary>
    /// <exception cref="InvalidInputException">data.fields names something that the format does not have.</exception>
    public static FieldNames Of(DataFormat format, ValueMap<string> given)
    {
        var known = OfFormat[format];
        var foreign = given.Select(pair => pair.Key).FirstOrDefault(name => !known.Contains(name, StringComparer.Ordinal));
        return foreign is null
            ? new FieldNames(known, given.ToDictionary(pair => pair.Key, pair => pair.Value, StringComparer.Ordinal))
            : throw new InvalidInputException($"data.fields names '{foreign}', but rows of the format {NameOf(format)} have {Sentence.Join(known)}; take it out, or set data.format.");
    }

    /// <summary>The rows' name of a field.</summary>
    public string this[string field] => _sources.GetValueOrDefault(field, field);

    /// <summary>The format's name as it is written in a job file.</summary>
    public static string NameOf(DataFormat format) => format == DataFormat.PromptCompletion ? "prompt_completion" : format.ToString().ToLowerInvariant();
}
