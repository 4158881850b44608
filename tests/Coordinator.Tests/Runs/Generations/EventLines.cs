using System.Globalization;
using System.Text.Json;
using Orchestrator.Coordinator.Runs;

namespace Orchestrator.Coordinator.Tests.Runs.Generations;

/// <summary>A line of events.jsonl.</summary>
internal sealed record EventLines(string Name, string? Worker, ulong Generation, ulong Step, double LostWorkerSeconds, ulong StepsRepeated, string? Reason)
{
    /// <summary>"lost worker-1", with the repeated steps if there are any.</summary>
    public string Text => string.Create(CultureInfo.InvariantCulture, $"{Name}{(Worker is null ? "" : $" {Worker}")}{(StepsRepeated > 0 ? $" +{StepsRepeated}" : "")}");

    public static IReadOnlyList<EventLines> Of(PureRun run)
    {
        var lines = new List<EventLines>();
        var record = JobRecord.Empty;
        foreach (var happened in run.Journal)
        {
            record = record.Apply(happened);
            lines.AddRange(RunLines.Events("job-1", record, happened).Select(Parse));
        }

        return lines;
    }

    private static EventLines Parse(string line)
    {
        using var document = JsonDocument.Parse(line);
        var root = document.RootElement;
        return new EventLines(
            root.GetProperty("event").GetString()!, root.GetProperty("worker").GetString(), root.GetProperty("generation").GetUInt64(), root.GetProperty("step").GetUInt64(),
            root.GetProperty("lost_worker_seconds").GetDouble(), root.GetProperty("steps_repeated").GetUInt64(), root.GetProperty("reason").GetString());
    }
}
