using System.Text.Json;
using System.Text.Json.Nodes;
using Orchestrator.Coordinator.Adapters;
using Orchestrator.Coordinator.Checkpoints;
using Orchestrator.Coordinator.Datasets;
using Orchestrator.Coordinator.Models;
using Orchestrator.Coordinator.Runs;

namespace Orchestrator.Coordinator.Cli;

/// <summary>Facts of a run's output folder: how far it came, its losses and its adapter.</summary>
internal static class InspectRun
{
    // A key that stands twice would be found out only where it is read.
    private static readonly JsonDocumentOptions Strict = new() { AllowDuplicateProperties = false };

    public static JsonObject Folder(string path)
    {
        var facts = new JsonObject { ["kind"] = "run", ["path"] = path };
        AddLayout(facts, Path.Combine(path, RunFolder.PlanFileName));
        AddMetrics(facts, Path.Combine(path, RunFolder.MetricsFileName));
        AddEnd(facts, Path.Combine(path, RunFolder.EventsFileName));
        var adapter = Path.Combine(path, RunFolder.AdapterFolderName);
        // A folder without a configuration holds what somebody else put there.
        facts["adapter"] = File.Exists(Path.Combine(adapter, PeftAdapter.ConfigFile)) ? InspectModel.Adapter(adapter) : null;
        var checkpoints = new CheckpointStore(Path.Combine(path, CheckpointStore.FolderName));
        facts["checkpoints"] = new JsonArray([.. checkpoints.Complete().Order().Select(step => JsonValue.Create(step))]);
        facts["files"] = new JsonArray([.. InspectCommand.Files(path, "*").Select(file => JsonValue.Create(Path.GetFileName(file)))]);
        return facts;
    }

    private static void AddLayout(JsonObject facts, string file)
    {
        if (!File.Exists(file))
        {
            return;
        }

        var layout = ConfigDocument.Read(file).Object("layout");
        facts["layout"] = layout is null ? null : $"{layout.Integer("replicas", 0, int.MaxValue)} x {layout.Integer("stages", 0, int.MaxValue)} (replicas x stages)";
    }

    private static void AddMetrics(JsonObject facts, string file)
    {
        if (!File.Exists(file))
        {
            return;
        }

        long last = 0, evaluations = 0;
        JsonNode? loss = null, firstEvaluation = null, lastEvaluation = null;
        using var lines = new JsonLines(file);
        while (lines.Read())
        {
            var line = Parse(lines, file);
            // A loss that was not finite is null.
            if (line.TryGetPropertyValue("eval_loss", out var evaluation))
            {
                firstEvaluation = evaluations++ == 0 ? evaluation?.DeepClone() : firstEvaluation;
                lastEvaluation = evaluation?.DeepClone();
            }
            else if (line["step"] is JsonValue step && step.TryGetValue(out long number))
            {
                (last, loss) = (number, line["loss"]?.DeepClone());
            }
        }

        facts["last_step"] = last;
        facts["last_loss"] = loss;
        facts["first_eval_loss"] = firstEvaluation;
        facts["last_eval_loss"] = lastEvaluation;
    }

    // How it ended, in the words of its last event; null while it runs, and where its process was killed.
    private static void AddEnd(JsonObject facts, string file)
    {
        if (!File.Exists(file))
        {
            return;
        }

        JsonNode? end = null;
        using var lines = new JsonLines(file);
        while (lines.Read())
        {
            end = IsFinish(lines.Line.Span, out var reason) ? JsonValue.Create(reason) : null;
        }

        facts["finish"] = end;
    }

    // A killed process may have left half a line.
    private static bool IsFinish(ReadOnlySpan<byte> line, out string? reason)
    {
        reason = null;
        try
        {
            using var json = JsonDocument.Parse(line.ToArray());
            if (json.RootElement.TryGetProperty("event", out var name) && name.ValueEquals("finish") && json.RootElement.TryGetProperty("reason", out var why))
            {
                reason = why.GetString();
            }
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException)
        {
            return false;
        }

        return reason is not null;
    }

    private static JsonObject Parse(JsonLines lines, string file)
    {
        try
        {
            return JsonNode.Parse(lines.Line.Span, documentOptions: Strict)?.AsObject() ?? throw new InvalidInputException($"{file}, line {lines.Number}: it is no JSON object.");
        }
        catch (Exception error) when (error is JsonException or InvalidOperationException or ArgumentException)
        {
            throw new InvalidInputException($"{file}, line {lines.Number}: it is not a line of metrics.", error);
        }
    }
}
