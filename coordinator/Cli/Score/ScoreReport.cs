using System.Text.Json.Nodes;
using Orchestrator.Coordinator.Cli.Progress;
using Orchestrator.Coordinator.Jobs;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Cli.Score;

/// <summary>Writes scores as they come, in the file's order, and their mean at the end.</summary>
internal sealed class ScoreReport(TextWriter writer, bool json)
{
    private double _lossSum;
    private ulong _labelTokens;

    public void Begin()
    {
        if (!json)
        {
            writer.WriteLine($"{"sample",8}  {"loss",10}  {"label tokens",12}");
        }
    }

    public void Add(SampleScore score)
    {
        var labels = (ulong)score.Logprobs.Count;
        _lossSum += score.LossSum;
        _labelTokens += labels;
        var loss = labels == 0 ? (double?)null : score.LossSum / labels;
        if (!json)
        {
            writer.WriteLine($"{score.Sample,8}  {(loss is { } mean ? StatusText.Loss(mean) : "-"),10}  {labels,12}");
            return;
        }

        writer.WriteLine(new JsonObject
        {
            ["index"] = score.Sample,
            ["loss"] = Finite(loss),
            ["label_tokens"] = labels,
            ["logprobs"] = new JsonArray([.. score.Logprobs.Select(logprob => float.IsFinite(logprob) ? JsonValue.Create(logprob) : null)]),
        }.ToJsonString());
    }

    /// <exception cref="CommandFailedException">The mean is no finite number; what there is has been written.</exception>
    public void End()
    {
        var mean = _labelTokens == 0 ? (double?)null : _lossSum / _labelTokens;
        var perplexity = mean is { } loss ? Math.Exp(loss) : (double?)null;
        if (json)
        {
            writer.WriteLine(new JsonObject { ["mean_loss"] = Finite(mean), ["perplexity"] = Finite(perplexity), ["label_tokens"] = _labelTokens }.ToJsonString());
        }
        else
        {
            writer.WriteLine($"mean loss {(mean is { } value ? StatusText.Loss(value) : "-")}, perplexity {(perplexity is { } p ? StatusText.Loss(p) : "-")}, {Sentence.Count((long)_labelTokens, "label token")}");
        }

        if (mean is { } sum && !double.IsFinite(sum))
        {
            throw new CommandFailedException("The mean loss is no finite number: the model, or the adapter, computes none; look at its weights and config.json.");
        }
    }

    // JSON has no number for what is not finite.
    private static JsonValue? Finite(double? value) => value is { } number && double.IsFinite(number) ? JsonValue.Create(number) : null;
}
