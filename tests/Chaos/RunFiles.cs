using System.Globalization;
using System.Text.Json;

namespace Orchestrator.Chaos;

/// <summary>What a run has left in its output folder, or has so far.</summary>
internal sealed class RunFiles(string folder)
{
    public string Folder => folder;

    /// <summary>The newest committed step; 0: none yet.</summary>
    public int CommittedStep => Steps() is [.., var last] ? last.Step : 0;

    /// <summary>How many workers have attached so far, spares as well, which no event names.</summary>
    public int AttachedWorkers => Read("run.log").Split('\n').Where(line => line.EndsWith(" attached.", StringComparison.Ordinal)).Select(line => line.Split(' ')[^2]).Distinct(StringComparer.Ordinal).Count();

    /// <summary>plan.json.</summary>
    public JsonElement Plan => JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, "plan.json"))).RootElement;

    /// <summary>Bytes of the adapter.</summary>
    public byte[] Adapter => File.ReadAllBytes(Path.Combine(folder, "adapter", "adapter_model.safetensors"));

    /// <summary>The training lines of metrics.jsonl: step, loss and norm in the digits that were written.</summary>
    public IReadOnlyList<CommittedLine> Steps() =>
    [
        .. Lines("metrics.jsonl").Where(line => line.TryGetProperty("loss", out _)).Select(line => new CommittedLine(
            line.GetProperty("step").GetInt32(), line.GetProperty("loss").GetRawText(), line.GetProperty("grad_norm").GetRawText())),
    ];

    /// <summary>The evaluation lines: step and loss in the digits that were written.</summary>
    public IReadOnlyList<(int Step, string Loss)> Evaluations() =>
        [.. Lines("metrics.jsonl").Where(line => line.TryGetProperty("eval_loss", out _)).Select(line => (line.GetProperty("step").GetInt32(), line.GetProperty("eval_loss").GetRawText()))];

    /// <summary>The lines of events.jsonl.</summary>
    public IReadOnlyList<RunEvent> Events() =>
    [
        .. Lines("events.jsonl").Select(line => new RunEvent(
            DateTimeOffset.Parse(line.GetProperty("time").GetString()!, CultureInfo.InvariantCulture),
            line.GetProperty("event").GetString()!,
            line.GetProperty("generation").GetInt32(),
            line.GetProperty("step").GetInt32(),
            line.GetProperty("worker").GetString(),
            line.GetProperty("reason").GetString(),
            line.GetProperty("lost_worker_seconds").GetDouble(),
            line.GetProperty("steps_repeated").GetInt32())),
    ];

    // The last line may still be being written.
    private IEnumerable<JsonElement> Lines(string name)
    {
        string text = Read(name);
        foreach (string line in text[..(text.LastIndexOf('\n') + 1)].Split('\n', StringSplitOptions.RemoveEmptyEntries))
        {
            using var parsed = JsonDocument.Parse(line);
            yield return parsed.RootElement.Clone();
        }
    }

    private string Read(string name)
    {
        string file = Path.Combine(folder, name);
        if (!File.Exists(file))
        {
            return "";
        }

        using var reader = new StreamReader(new FileStream(file, FileMode.Open, FileAccess.Read, FileShare.ReadWrite | FileShare.Delete));
        return reader.ReadToEnd();
    }
}
