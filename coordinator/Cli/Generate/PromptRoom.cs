using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Cli.Generate;

/// <summary>Whether a prompt fits a model, and how much may be said after it.</summary>
internal static class PromptRoom
{
    /// <summary>The settings for this prompt: no longer answer than the model has positions for.</summary>
    /// <exception cref="InvalidInputException">The prompt is empty, too long, or not of the model's vocabulary.</exception>
    public static GenerationSettings Fit(IReadOnlyList<int> prompt, GenerationSettings settings, ModelSpec model)
    {
        if (prompt.Count == 0) throw new InvalidInputException("The prompt has no tokens; there is nothing to go on with.");
        if (prompt.FirstOrDefault(id => id >= model.VocabSize, -1) is var foreign and >= 0)
            throw new InvalidInputException($"The prompt has the token {foreign}, and the model's vocabulary ends at {model.VocabSize - 1}; the tokenizer is of another model, or --prompt-ids is wrong.");
        if (model.MaxPositionEmbeddings == 0) return settings;
        var room = (long)model.MaxPositionEmbeddings - prompt.Count;
        if (room < 1) throw new InvalidInputException($"The prompt has {prompt.Count} tokens, and the model reads at most {model.MaxPositionEmbeddings}, its answer included; shorten it.");
        return settings with { MaxNewTokens = (int)Math.Min(settings.MaxNewTokens, room) };
    }
}
