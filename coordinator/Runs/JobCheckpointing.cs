using Orchestrator.Coordinator.Checkpoints;
using Orchestrator.Coordinator.Jobs;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Runs;

/// <summary>From a step whose state is saved to a checkpoint.</summary>
/// <remarks>
/// Windows say after which steps replica 0 saves, so no step waits for a coordinator. A checkpoint's manifest is written once its step is committed and every stage's
/// part is durable; one at a time, in the order of steps. What the manifest says is taken when the step is committed, for later steps may be committed before the parts come.
/// A part is a layer's, so those of two generations, which are equal, may make one checkpoint.
/// </remarks>
internal static class JobCheckpointing
{
    /// <summary>Takes down what a checkpoint of the newest committed step says, if its state is saved.</summary>
    public static void OnCommitted(JobTurn turn)
    {
        if (turn.Material.Steps.SavesAfter(turn.Record.CommittedStep))
        {
            Draft(turn);
        }

        JobStopping.SaveWhenHeld(turn);
        WriteNext(turn);
    }

    /// <summary>All steps that were committed before have been run again: a job that stops does so now, and the newest one, if it is saved, has its checkpoint after all.</summary>
    public static void OnRepeated(JobTurn turn)
    {
        var step = turn.Record.CommittedStep;
        // A coordinator that was started again took nothing down of it.
        if (turn.Material.Steps.SavesAfter(step) && step > turn.Record.LastCheckpoint && turn.Session.CheckpointUnderWay != step && !IsDrafted(turn, step))
        {
            Draft(turn);
        }

        JobStopping.SaveWhenHeld(turn);
        WriteNext(turn);
    }

    public static void OnSaved(JobTurn turn, RankPlacement rank, StateSaved saved)
    {
        var pending = turn.Session.Checkpoints.GetValueOrDefault(saved.Step, PendingCheckpoint.Empty);
        var blobs = saved.Blobs.Where(blob => !pending.Blobs.ContainsKey(blob.Layer)).ToList();
        if (saved.Step <= turn.Record.LastCheckpoint || (saved.Blobs.Count > 0 && blobs.Count == 0))
        {
            turn.DropStale($"state of step {saved.Step} of {rank.Worker}");
            return;
        }

        Put(turn, saved.Step, pending with { Blobs = pending.Blobs.AddRange(blobs.Select(blob => KeyValuePair.Create(blob.Layer, blob))) });
        WriteNext(turn);
    }

    /// <summary>A checkpoint exists.</summary>
    public static void OnWritten(JobTurn turn, CheckpointManifest manifest)
    {
        turn.Raise(new CheckpointWritten { Step = manifest.Step, Bytes = manifest.Blobs.Aggregate(0UL, (sum, blob) => sum + blob.Bytes), Manifest = manifest });
        DeleteOlder(turn);
        turn.Session = turn.Session with { CheckpointUnderWay = null };
        JobStopping.SaveWhenHeld(turn);
        if (!turn.Record.HasEnded)
        {
            WriteNext(turn);
            JobReplacement.TryPlace(turn);
            JobChanges.ChangeIfHeld(turn);
            JobFinishing.ExportIfSaved(turn);
        }
    }

    /// <summary>Deletes what the newest checkpoint makes superfluous; also where the process ended before it had.</summary>
    public static void DeleteOlder(JobTurn turn)
    {
        // A run that goes on leaves its folder alone until it is placed.
        if (turn.Record.Placement is not null && turn.Record.LastCheckpoint > 0)
        {
            turn.Do(new JobEffect.DeleteOlderCheckpoints(turn.Record.LastCheckpoint));
        }
    }

    /// <summary>Has the newest committed step saved, which the workers hold at; once.</summary>
    public static void SaveCommitted(JobTurn turn)
    {
        var step = turn.Record.CommittedStep;
        if (turn.Session.SaveAsked == step || turn.Session.CheckpointUnderWay == step)
        {
            return;
        }

        turn.Session = turn.Session with { SaveAsked = step };
        Draft(turn);
        if (IsComplete(turn, turn.Session.Checkpoints[step]))
        {
            WriteNext(turn);
            return;
        }

        foreach (var rank in Savers(turn.Placement))
        {
            turn.Send(rank.Worker, new CoordinatorMessage { SaveState = new SaveState { Scope = turn.Scope, Step = step, Folder = Store(turn.Record).Of(step) } });
        }
    }

    /// <summary>Whether a step's state is being saved, or its checkpoint written, without further asking.</summary>
    public static bool IsPending(JobTurn turn, ulong step) => turn.Session.CheckpointUnderWay == step || IsComplete(turn, turn.Session.Checkpoints.GetValueOrDefault(step))
        || (turn.Material.Steps.SavesAfter(step) && step > turn.Record.Generations.FromStep && IsDrafted(turn, step));

    private static bool IsDrafted(JobTurn turn, ulong step) => turn.Session.Checkpoints.GetValueOrDefault(step)?.Draft is not null;

    private static bool IsComplete(JobTurn turn, PendingCheckpoint? pending) => pending?.Draft is not null && turn.AdaptedLayers.All(layer => pending.Blobs.ContainsKey((uint)layer));

    /// <summary>The ranks that save a state: those of one replica.</summary>
    public static IEnumerable<RankPlacement> Savers(JobPlacement placement) => placement.Ranks.Where(IsSaver);

    public static bool IsSaver(RankPlacement rank) => rank.Replica == 0;

    public static CheckpointStore Store(JobRecord record) => RunFolder.CheckpointsOf(record.Output);

    /// <summary>What the stage of a rank is to go on from: its part of the newest checkpoint; null: its initial state.</summary>
    public static SavedState? StateOf(JobRecord record, RankPlacement rank)
    {
        if (record.Checkpoint is not { } checkpoint)
        {
            return null;
        }

        var state = new SavedState { Folder = Store(record).Of(checkpoint.Step), Step = checkpoint.Step };
        state.Blobs.AddRange(checkpoint.Blobs.Where(blob => blob.Layer >= rank.FirstLayer && blob.Layer <= rank.LastLayer));
        return state;
    }

    private static void Draft(JobTurn turn)
    {
        var step = turn.Record.CommittedStep;
        var pending = turn.Session.Checkpoints.GetValueOrDefault(step, PendingCheckpoint.Empty);
        Put(turn, step, pending with { Draft = ManifestOf(turn) });
    }

    private static void Put(JobTurn turn, ulong step, PendingCheckpoint pending) =>
        turn.Session = turn.Session with { Checkpoints = turn.Session.Checkpoints.SetItem(step, pending) };

    // A stage tells of its steps in their order, so what is older than a whole one and not whole never will be.
    private static void WriteNext(JobTurn turn)
    {
        if (turn.Session.CheckpointUnderWay is not null || turn.Record.HasEnded)
        {
            return;
        }

        var (step, next) = turn.Session.Checkpoints.FirstOrDefault(pending => IsComplete(turn, pending.Value));
        if (next?.Draft is not { } draft)
        {
            return;
        }

        var manifest = draft.Clone();
        manifest.Blobs.AddRange(next.Blobs.Values);
        turn.Session = turn.Session with
        {
            CheckpointUnderWay = step,
            Checkpoints = turn.Session.Checkpoints.RemoveRange(turn.Session.Checkpoints.Keys.Where(other => other <= step)),
        };
        turn.Do(new JobEffect.WriteCheckpoint(manifest));
    }

    private static CheckpointManifest ManifestOf(JobTurn turn)
    {
        var (record, placement, steps) = (turn.Record, turn.Placement, turn.Material.Steps);
        var before = record.Resume?.Checkpoint;
        var manifest = new CheckpointManifest
        {
            Step = record.CommittedStep,
            Job = turn.Session.Job,
            JobHash = record.JobHash,
            Generation = placement.Generation,
            Fence = record.Fence,
            Time = record.LastStep?.Time,
            NumericClass = placement.Class,
            ComputeDtype = placement.ComputeDtype,
            ClassChanged = before is not null && (before.ClassChanged || !before.NumericClass.Equals(placement.Class)),
            Epoch = steps.EpochAfter(record.CommittedStep),
            SamplesTaken = steps.SamplesAfter(record.CommittedStep),
            Tokens = record.TokensTrained,
            Seconds = record.SecondsTrained,
            SkippedInARow = (uint)record.SkippedInARow,
            Clock = turn.Material.Data.Text?.Clock is { } clock ? ClockText.Format(clock) : "",
            FirstEvaluation = record.FirstEvaluation,
            LastEvaluation = record.LastEvaluation,
            BestEvaluation = record.BestEvaluation,
        };
        manifest.Layouts.AddRange(record.Generations.StretchesUpTo(record.CommittedStep, placement));
        return manifest;
    }
}
