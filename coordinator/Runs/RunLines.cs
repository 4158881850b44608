using System.Text;
using System.Text.Json;
using Google.Protobuf.WellKnownTypes;

namespace Orchestrator.Coordinator.Runs;

/// <summary>The lines of metrics.jsonl and events.jsonl as a projection of the journal.</summary>
/// <remarks>Pure: the same event gives the same line, so a line that is missing after a crash can be written again.</remarks>
internal static class RunLines
{
    /// <summary>The metrics line of an event, if it has one.</summary>
    public static string? Metrics(IJobEvent happened) => happened switch
    {
        StepCommitted step => Line(json => WriteStep(json, step)),
        StepEvaluated evaluation => Line(json =>
        {
            json.WriteNumber("step", evaluation.Step);
            WriteNumber(json, "eval_loss", evaluation.Loss);
            json.WriteNumber("eval_label_tokens", evaluation.LabelTokens);
        }),
        _ => null,
    };

    /// <summary>The event lines of an event.</summary>
    /// <param name="job">The job's name in the cluster.</param>
    /// <param name="after">The record after the event.</param>
    /// <param name="happened">The event.</param>
    public static IEnumerable<string> Events(string job, JobRecord after, IJobEvent happened)
    {
        switch (happened)
        {
            case JobPrepared { Resume: null }:
                yield return Event(job, after, happened.Time, "start");
                break;
            case JobPlaced when after is { Resume: { } resume, Generations.Placements: 1 }:
                foreach (var damage in resume.Damaged)
                {
                    yield return Event(job, after, happened.Time, "rollback", reason: damage);
                }

                yield return Event(job, after, happened.Time, "resume", reason: ResumeDecision.Sentence(resume, after.StepsPlanned));
                break;
            case JobPlaced { Rollback.Length: > 0 } placed:
                yield return Event(job, after, happened.Time, "rollback", reason: placed.Rollback, step: placed.FromStep);
                break;
            case GenerationEnded ended when EndName(ended) is { } name:
                yield return Event(job, after, happened.Time, name, worker: ended.Worker.WorkerId, reason: ended.Reason, generation: ended.Generation);
                break;
            case WorkerGivenUp given:
                yield return Event(job, after, happened.Time, "lost", worker: given.Worker.WorkerId, reason: given.Reason);
                break;
            case TrainingStarted started:
                foreach (var line in ChangeLines(job, after, started))
                {
                    yield return line;
                }

                break;
            case CheckpointWritten written:
                yield return Event(job, after, happened.Time, "checkpoint", step: written.Step);
                break;
            case WorkerBound bound when IsFirst(after, bound):
                yield return Event(job, after, happened.Time, "attach", worker: bound.Worker.WorkerId);
                break;
            case StepCommitted { Applied: false }:
                yield return Event(job, after, happened.Time, "skip", reason: "a gradient was not finite");
                break;
            case JobFailed failed:
                yield return Finish(job, after, failed, failed.Reason);
                break;
            case JobSucceeded:
                yield return Finish(job, after, happened, "succeeded");
                break;
            case JobCancelled:
                yield return Finish(job, after, happened, "cancelled");
                break;
        }
    }

    /// <summary>Whether a line is one of events.jsonl.</summary>
    public static bool IsEvent(ReadOnlySpan<byte> line)
    {
        try
        {
            var json = new Utf8JsonReader(line);
            return JsonElement.TryParseValue(ref json, out var value) && value is { ValueKind: JsonValueKind.Object } root && root.TryGetProperty("event", out _) && root.TryGetProperty("job", out _);
        }
        catch (JsonException)
        {
            return false;
        }
    }

    private static string? EndName(GenerationEnded ended) => ended.End switch
    {
        GenerationEnd.Lost => "lost",
        GenerationEnd.Left => "leave",
        GenerationEnd.Unreachable when ended.GivenUp => "lost",
        _ => null,
    };

    // A change that was planned tells its cost with whoever leaves or joins by it.
    private static IEnumerable<string> ChangeLines(string job, JobRecord after, TrainingStarted started)
    {
        var cost = started.LostWorkerSeconds;
        if (started.Recovered)
        {
            yield return Event(job, after, started.Time, "recovered", reason: started.Reason, lostWorkerSeconds: cost, stepsRepeated: started.StepsRepeated);
            cost = 0;
        }

        foreach (var left in started.Left)
        {
            yield return Event(job, after, started.Time, "leave", worker: left.Worker, reason: left.Reason, lostWorkerSeconds: cost);
            cost = 0;
        }

        cost += started.MissingWorkerSeconds;
        foreach (var joined in started.Joined)
        {
            yield return Event(job, after, started.Time, "join", worker: joined, lostWorkerSeconds: cost);
            cost = 0;
        }
    }

    // The places that a smaller layout was without to the end are told of at the end.
    private static string Finish(string job, JobRecord after, IJobEvent happened, string reason) =>
        Event(job, after, happened.Time, "finish", reason: reason, lostWorkerSeconds: after.Generations.MissingUntil(happened.Time));

    // A worker is bound again by each life of the coordinator.
    private static bool IsFirst(JobRecord after, WorkerBound bound) =>
        after.Bound.Count(other => other.Worker.WorkerId == bound.Worker.WorkerId && other.Worker.Incarnation == bound.Worker.Incarnation) == 1;

    private static void WriteStep(Utf8JsonWriter json, StepCommitted step)
    {
        json.WriteNumber("step", step.Step);
        WriteNumber(json, "epoch", step.Epoch);
        if (step.Applied)
        {
            WriteNumber(json, "loss", step.Loss);
            WriteNumber(json, "grad_norm", step.GradNorm);
        }
        else
        {
            json.WriteNull("loss");
            json.WriteNull("grad_norm");
        }

        WriteNumber(json, "learning_rate", step.LearningRate);
        json.WriteNumber("label_tokens", step.LabelTokens);
        json.WriteNumber("tokens", step.Tokens);
        WriteNumber(json, "step_seconds", step.StepSeconds);
        WriteNumber(json, "tokens_per_second", step.StepSeconds > 0 ? step.Tokens / step.StepSeconds : 0);
        json.WriteString("time", TimeText(step.Time));
        if (!step.Applied)
        {
            json.WriteBoolean("skipped", true);
        }
    }

    // JSON has no number for what is not finite, and a line that cannot be written would break every replay of the journal.
    private static void WriteNumber(Utf8JsonWriter json, string name, double value)
    {
        if (double.IsFinite(value))
        {
            json.WriteNumber(name, value);
        }
        else
        {
            json.WriteNull(name);
        }
    }

    private static string Event(string job, JobRecord after, Timestamp time, string name, string? worker = null, string? reason = null, ulong? step = null, ulong? generation = null,
        double lostWorkerSeconds = 0, ulong stepsRepeated = 0) => Line(json =>
    {
        json.WriteString("time", TimeText(time));
        json.WriteString("event", name);
        json.WriteString("job", job);
        json.WriteNumber("generation", generation ?? after.Generations.Number);
        json.WriteNumber("step", step ?? after.CommittedStep);
        json.WriteString("worker", worker);
        json.WriteString("reason", reason);
        json.WriteNumber("lost_worker_seconds", Math.Round(lostWorkerSeconds, 3));
        json.WriteNumber("steps_repeated", stepsRepeated);
    });

    private static string TimeText(Timestamp time) => $"{time.ToDateTime():yyyy-MM-ddTHH:mm:ss.fffZ}";

    private static string Line(Action<Utf8JsonWriter> body)
    {
        using var stream = new MemoryStream();
        using (var json = new Utf8JsonWriter(stream))
        {
            json.WriteStartObject();
            body(json);
            json.WriteEndObject();
        }

        return Encoding.UTF8.GetString(stream.ToArray());
    }
}
