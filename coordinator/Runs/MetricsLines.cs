using System.Text.Json;
using Orchestrator.Coordinator.Checkpoints;

namespace Orchestrator.Coordinator.Runs;

/// <summary>Reads back lines of a run's metrics.jsonl.</summary>
internal static class MetricsLines
{
    /// <summary>The evaluations of a file, as far as its lines are whole.</summary>
    public static IEnumerable<EvaluationPoint> Evaluations(string file) => File.Exists(file) ? Read(File.ReadAllBytes(file)).Select(line => line.Evaluation).OfType<EvaluationPoint>() : [];

    /// <summary>Bytes of the lines, from the start, that a run which goes on after a checkpoint does not write again.</summary>
    /// <param name="file">The file's bytes.</param>
    /// <param name="checkpoint">The checkpoint; null: everything is written again.</param>
    public static int BytesUpTo(byte[] file, CheckpointManifest? checkpoint)
    {
        var kept = 0;
        foreach (var (step, evaluation, end) in Read(file))
        {
            // The evaluation after the checkpoint's own step is made again unless the checkpoint knows it.
            var isKept = checkpoint is not null && (evaluation is null ? step <= checkpoint.Step : step < checkpoint.Step || step == checkpoint.LastEvaluation?.Step);
            if (!isKept)
            {
                break;
            }

            kept = end;
        }

        return kept;
    }

    // Up to the first line that is not whole or is none of metrics.
    private static IEnumerable<(ulong Step, EvaluationPoint? Evaluation, int End)> Read(byte[] bytes)
    {
        for (int start = 0, end; (end = Array.IndexOf(bytes, (byte)'\n', start)) >= 0; start = end + 1)
        {
            if (Parse(bytes.AsMemory(start, end - start)) is not { } line)
            {
                yield break;
            }

            yield return (line.Step, line.Evaluation, end + 1);
        }
    }

    private static (ulong Step, EvaluationPoint? Evaluation)? Parse(ReadOnlyMemory<byte> line)
    {
        try
        {
            using var document = JsonDocument.Parse(line);
            var root = document.RootElement;
            if (root.ValueKind != JsonValueKind.Object || !root.TryGetProperty("step", out var number) || !number.TryGetUInt64(out var step))
            {
                return null;
            }

            return (step, root.TryGetProperty("eval_loss", out var loss) ? Evaluation(step, loss, root) : null);
        }
        catch (Exception damaged) when (damaged is JsonException or InvalidOperationException)
        {
            return null;
        }
    }

    private static EvaluationPoint Evaluation(ulong step, JsonElement loss, JsonElement line) => new()
    {
        Step = step,
        Loss = loss.ValueKind == JsonValueKind.Number ? loss.GetDouble() : double.NaN,
        LabelTokens = line.TryGetProperty("eval_label_tokens", out var tokens) && tokens.TryGetUInt64(out var count) ? count : 0,
    };
}
