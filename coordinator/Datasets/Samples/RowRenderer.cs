using System.Runtime.InteropServices;
using System.Text.Json;
using Orchestrator.Coordinator.Templates;

namespace Orchestrator.Coordinator.Datasets;

/// <summary>Renders the chat of one row, whole and in parts, within one allowance of steps.</summary>
/// <remarks>
/// For one thread. A template without generation marks takes two renderings an assistant turn, each of a part of the chat: for a chat of n messages
/// the square of n. Each rendering is within the limits of its own, but only their sum bounds the time that a row takes.
/// </remarks>
internal sealed class RowRenderer(ModelText model, ChatRow chat, long mostSteps = RowRenderer.MostSteps)
{
    /// <summary>About a second. Five hundred short turns without marks take it.</summary>
    public const long MostSteps = 8_000_000;

    /// <summary>Bytes of a list of messages that are written and parsed in the time of a step.</summary>
    private const int BytesOfStep = 64;

    private readonly StepAllowance _allowance = new(mostSteps);

    /// <summary>Steps that were taken so far.</summary>
    public long StepsTaken => _allowance.Taken;

    /// <summary>The text of messages of the chat.</summary>
    /// <exception cref="InvalidInputException">The template refuses them.</exception>
    /// <exception cref="RowException">The renderings of the row take too many steps.</exception>
    public RenderedChat Render(JsonElement messages, bool generationPrompt)
    {
        _allowance.Take(JsonMarshal.GetRawUtf8Value(messages).Length / BytesOfStep);
        try
        {
            return model.Render(chat, messages, generationPrompt, allowance: _allowance);
        }
        catch (TemplateException refusal) when (_allowance.IsSpent)
        {
            throw new RowException(
                $"the chat template takes more than {mostSteps} steps for this conversation of {chat.Roles.Count} messages; where it has no {{% generation %}} marks, the conversation "
                + "is rendered anew for each assistant turn: mark the turns in the template, set data.loss_on to completion or all, or divide the conversation",
                inner: refusal);
        }
    }
}
