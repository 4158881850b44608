using System.Diagnostics;
using System.Text.Json.Nodes;
using Orchestrator.Coordinator.Cli.Progress;
using Orchestrator.Coordinator.Jobs;

namespace Orchestrator.Coordinator.Cli.Generate;

/// <summary>Prints answers: their text as it is made, or one JSON object each.</summary>
internal sealed class AnswerPrinter(CommandOutput output, GenerationSettings settings, bool json)
{
    private long _started;

    /// <summary>An answer was asked for.</summary>
    public void Begin() => _started = Stopwatch.GetTimestamp();

    /// <summary>The newest text of the answer that is being made.</summary>
    public void Text(string text)
    {
        if (json || text.Length == 0) return;
        output.Results.Write(text);
        output.Results.Flush();
    }

    /// <summary>The answer has ended; its text was shown.</summary>
    public void End(IReadOnlyList<int> prompt, AnswerText answer)
    {
        if (json)
        {
            output.Results.WriteLine(Json(prompt, answer));
            return;
        }

        output.Results.WriteLine(answer.HasText ? "" : string.Join(' ', answer.Ids));
        var rate = answer.Ids.Count / Stopwatch.GetElapsedTime(_started).TotalSeconds;
        var seed = settings.Sampling is { } sampling ? $"; seed {sampling.Seed}" : "";
        output.Messages.WriteLine($"[ended by {AnswerReasons.Text(answer.Reason!.Value)}: {Sentence.Count(answer.Ids.Count, "token")}, {StatusText.TokensPerSecond(rate)} tokens/s{seed}]");
    }

    /// <summary>One of several answers, whole.</summary>
    public void Whole(IReadOnlyList<int> prompt, AnswerText answer)
    {
        if (json) output.Results.WriteLine(Json(prompt, answer));
        else output.Results.WriteLine(answer.HasText ? answer.Text : string.Join(' ', answer.Ids));
    }

    private string Json(IReadOnlyList<int> prompt, AnswerText answer)
    {
        var line = new JsonObject
        {
            ["text"] = answer.HasText ? answer.Text : null,
            ["ids"] = new JsonArray([.. answer.Ids.Select(id => JsonValue.Create(id))]),
            ["prompt_ids"] = new JsonArray([.. prompt.Select(id => JsonValue.Create(id))]),
            ["finish_reason"] = AnswerReasons.Name(answer.Reason!.Value),
        };
        if (settings.Sampling is { } sampling) line["seed"] = sampling.Seed;
        return line.ToJsonString();
    }
}
