using Google.Protobuf;
using Orchestrator.Coordinator.Adapters;
using Orchestrator.Coordinator.Checkpoints;
using Orchestrator.Coordinator.Membership;
using Orchestrator.Coordinator.Runs;
using Orchestrator.Coordinator.Storage;
using Orchestrator.Protos;

namespace Orchestrator.Simulation;

/// <summary>What must hold, whatever happens; the first thing that does not is told with the seed, the time and what led to it.</summary>
internal sealed class Invariants(World world)
{
    private readonly Dictionary<ulong, Dictionary<WorkerKey, ulong>> _acted = [];
    private readonly HashSet<WorkerKey> _lost = [];
    private readonly List<ulong> _evaluated = [];
    private JobPlaced? _placed;
    private JobPlaced? _trained;
    private ulong _committed;
    private ulong _saved;
    private ulong _checkpoint;
    private ulong _owner;

    /// <summary>The job has succeeded, was cancelled, or has failed as it had to.</summary>
    public bool HasEnded { get; private set; }

    /// <summary>It has ended before its last step, as it had to.</summary>
    public bool IsGivenUp { get; private set; }

    /// <summary>Steps that were run again, over all changes of generation.</summary>
    public ulong Repeated { get; private set; }

    /// <summary>How many changes of generation were held to the promise that at most one step is repeated.</summary>
    public int Promises { get; private set; }

    public void That(bool holds, string sentence)
    {
        if (!holds)
            throw new ViolationException($"{world.Scenario}\nAt {world.Time} s {sentence}.\n{world.Trace}");
    }

    /// <summary>An event is in the journal.</summary>
    public void Journaled(JobRecord record, IJobEvent happened)
    {
        That(record.Fence == world.Journal.Fence, $"fence {record.Fence} writes into a journal of fence {world.Journal.Fence}");
        switch (happened)
        {
            case JobPlaced placed:
                Placed(placed);
                break;
            case GenerationEnded { Worker: { } worker, End: not Coordinator.Runs.GenerationEnd.Growth and not Coordinator.Runs.GenerationEnd.Drained } ended when ended.GivenUp || ended.End is GenerationEnd.Lost or GenerationEnd.Left:
                _lost.Add(new WorkerKey(worker.WorkerId, worker.Incarnation));
                break;
            case TrainingStarted:
                _trained = _placed;
                _lost.Clear();
                break;
            case StepCommitted committed:
                Committed(committed);
                if (record.State == JobState.Running)
                    world.Faults.LossesInARow = 0;
                break;
            case StepEvaluated evaluated:
                That(_evaluated.Count == 0 || evaluated.Step > _evaluated[^1], $"the evaluation after step {evaluated.Step} is published again");
                That(evaluated.Loss == world.Truth.EvaluationOf(evaluated.Step), $"the evaluation after step {evaluated.Step} comes to {evaluated.Loss}, not {world.Truth.EvaluationOf(evaluated.Step)}");
                _evaluated.Add(evaluated.Step);
                break;
            case CheckpointWritten written:
                _checkpoint = written.Step;
                break;
            case JobFailed failed:
                // A step that loses workers three times without a commit ends the job by rule.
                That(record.Generations.LossesInARow >= 3, $"the job fails: {failed.Reason}");
                (HasEnded, IsGivenUp) = (true, true);
                break;
            case JobSucceeded:
                That(_committed == world.Truth.LastStep, $"the job has succeeded with {_committed} of {world.Truth.LastStep} steps");
                HasEnded = true;
                break;
            case JobCancelled cancelled:
                // At once: nobody was there to save it, when it was cancelled or after the last worker's loss.
                That(record.CancelRequested, "a job is cancelled that nobody cancelled");
                That(
                    cancelled.Step == _committed && (_saved == _committed || world.Journal.Events[^2] is CancelRequested or GenerationEnded),
                    $"the job is cancelled after step {cancelled.Step}, with {_committed} committed and {_saved} saved");
                (HasEnded, IsGivenUp) = (true, true);
                break;
            default:
                break;
        }
    }

    /// <summary>Something stands where others read it.</summary>
    public void Publishes(JobRecord record, string what)
    {
        That(record.Fence >= _owner, $"{what} is published under fence {record.Fence}, but {_owner} owns the folder");
        _owner = record.Fence;
    }

    /// <summary>Something could not be published.</summary>
    public void Refuses(JobRecord record, string what, IOException failure) =>
        That(record.Fence < _owner && (failure is OwnershipLostException || failure.InnerException is OwnershipLostException), $"{what} is refused under fence {record.Fence}, while {_owner} owns the folder: {failure.Message}");

    /// <summary>A checkpoint's manifest is durable.</summary>
    public void Saved(CheckpointManifest manifest)
    {
        _saved = Math.Max(_saved, manifest.Step);
        That(manifest.Blobs.Select(blob => blob.Layer).Order().SequenceEqual(world.Truth.Layers), $"the checkpoint of step {manifest.Step} does not hold each layer once");
        foreach (var blob in manifest.Blobs)
            That(world.ReadBlob(blob.Sha256) == world.Truth.StateOf(blob.Layer, manifest.Step), $"the checkpoint of step {manifest.Step} holds another state of layer {blob.Layer}");
    }

    /// <summary>A worker has acted on a step.</summary>
    public void Acted(SimulatedWorker worker, ulong generation, StepVerdict verdict, IReadOnlyDictionary<uint, ulong> state)
    {
        var (apply, norm, _) = world.Truth.VerdictOf(verdict.Step);
        That(verdict.Apply == apply && verdict.GradNorm == norm, $"{worker} acts on step {verdict.Step} with {(verdict.Apply ? verdict.GradNorm : "skip")}, which is not its verdict ({(apply ? norm : "skip")})");
        foreach (var (layer, value) in state)
            That(value == world.Truth.StateOf(layer, verdict.Step), $"{worker} holds another state of layer {layer} after step {verdict.Step}");
        if (!_acted.TryGetValue(generation, out var acted))
            _acted[generation] = acted = [];
        acted[worker.Key] = verdict.Step;
        if (_placed is { } placed && placed.Generation == generation)
        {
            var behind = placed.Stages.Select(stage => new WorkerKey(stage.Worker.WorkerId, stage.Worker.Incarnation)).FirstOrDefault(member => acted.GetValueOrDefault(member, placed.FromStep) + 1 < verdict.Step);
            That(behind == default, $"{worker} acts on step {verdict.Step}, but {behind} has only acted on {acted.GetValueOrDefault(behind, placed.FromStep)}");
        }
    }

    /// <summary>What must be there when the job has ended.</summary>
    public void Finished()
    {
        var read = world.Journal.Events.Aggregate(JobRecord.Empty, (record, happened) => record.Apply((IJobEvent)((IMessage)happened).Descriptor.Parser.ParseFrom(((IMessage)happened).ToByteArray())));
        That(read.Equals(world.Journal.Fold()), "the journal that is read back gives another record");
        Left();
        if (IsGivenUp)
            return;
        var steps = world.Truth.LastStep;
        ulong[] due = [0, .. Enumerable.Range(1, (int)steps).Select(step => (ulong)step).Where(world.Request.Material.Steps.EvaluatesAfter)];
        That(_evaluated.SequenceEqual(due), $"evaluations after {string.Join(", ", _evaluated)} where {string.Join(", ", due)} were due");
        That(_saved == steps, $"the newest checkpoint is of step {_saved}");
    }

    // The folder: each line once, whoever wrote it, and no more checkpoints than are to be kept.
    private void Left()
    {
        var (record, events, metrics) = (JobRecord.Empty, new List<(string Line, bool IsLast)>(), new List<(string Line, bool IsLast)>());
        for (var i = 0; i < world.Journal.Events.Count; i++)
        {
            // Where the process ends after its last write nobody takes the job up again.
            var (happened, isLast) = (world.Journal.Events[i], i >= world.Journal.LastWrite);
            record = record.Apply(happened);
            events.AddRange(RunLines.Events(World.Job, record, happened).Select(line => (line, isLast)));
            if (RunLines.Metrics(happened) is { } line)
                metrics.Add((line, isLast));
        }

        Holds(RunFolder.EventsFileName, events);
        Holds(RunFolder.MetricsFileName, metrics);
        That(record.State != JobState.Succeeded || File.Exists(Path.Combine(world.Output, RunFolder.AdapterFolderName, PeftAdapterWriter.LineageFile)), "there is no adapter");
        string[] known = [.. RunFolder.Files, RunFolder.AdapterFolderName, CheckpointStore.FolderName, $".owner-{World.Job}-{_owner}"];
        var unknown = Directory.Exists(world.Output) ? Directory.EnumerateFileSystemEntries(world.Output).Select(Path.GetFileName).Except(known) : [];
        That(!unknown.Any(), $"{string.Join(", ", unknown)} are left");
        var kept = world.Checkpoints.Complete();
        That(_checkpoint == 0 || kept.Contains(_checkpoint), $"the checkpoint of step {_checkpoint} is gone");
        That(kept.Count(step => step <= _checkpoint) <= world.Request.Spec.Training.SaveTotalLimit, $"the checkpoints of steps {string.Join(", ", kept)} are kept");
    }

    private void Holds(string name, List<(string Line, bool IsLast)> due)
    {
        var path = Path.Combine(world.Output, name);
        var lines = File.Exists(path) ? File.ReadAllLines(path) : [];
        That(
            lines.Length <= due.Count && lines.SequenceEqual(due.Take(lines.Length).Select(line => line.Line)) && due.Skip(lines.Length).All(line => line.IsLast),
            $"{name} has {lines.Length} lines and is not what the journal says:\n{string.Join('\n', lines)}");
    }

    private void Committed(StepCommitted committed)
    {
        That(committed.Step == _committed + 1, $"step {committed.Step} is committed after step {_committed}");
        var (apply, norm, loss) = world.Truth.VerdictOf(committed.Step);
        That(
            committed.Applied == apply && committed.GradNorm == norm && committed.Loss == loss,
            $"step {committed.Step} is committed with loss {committed.Loss} and norm {committed.GradNorm}, not {loss} and {norm}");
        _committed = committed.Step;
    }

    // While one worker at most is lost of a generation that has acted, at most one step is run again.
    private void Placed(JobPlaced placed)
    {
        if (_trained is { } before && _acted.GetValueOrDefault(before.Generation) is { } acted && _lost.Count <= 1 && !IsLoneElsewhere(before, placed))
        {
            Promises++;
            var reached = acted.Values.Max();
            That(
                placed.FromStep + 1 >= reached,
                $"generation {placed.Generation} goes on from step {placed.FromStep}, though step {reached} was acted on in generation {before.Generation} and it has lost {(_lost.Count == 0 ? "nobody" : _lost.First())} alone");
            // A coordinator that was started again does not know how many of the committed ones were run again already.
            That(placed.StepsRepeated <= 1 || _committed > reached, $"generation {placed.Generation} repeats {placed.StepsRepeated} steps");
        }

        That(placed.FromStep >= _checkpoint, $"generation {placed.Generation} goes on from step {placed.FromStep}, though step {_checkpoint} is saved");
        Repeated += placed.StepsRepeated;
        _placed = placed;
    }

    // A lone worker's states lie in its own cache: they are of no use to another one.
    private bool IsLoneElsewhere(JobPlaced before, JobPlaced placed) => before.Stages.Count == 1 && _lost.Count > 0 && placed.Stages.All(stage => stage.Worker.WorkerId != before.Stages[0].Worker.WorkerId);
}
