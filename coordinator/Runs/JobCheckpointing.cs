using System.Collections.Immutable;
using Orchestrator.Coordinator.Checkpoints;
using Orchestrator.Coordinator.Jobs;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Runs;

/// <summary>From a step whose state is saved to a checkpoint, and from Ctrl-C to the last one.</summary>
/// <remarks>
/// Windows say after which steps replica 0 saves, so no step waits for a coordinator. A checkpoint's manifest is written once its step is committed and every stage's
/// part is durable; one at a time, in the order of steps. What the manifest says is taken when the step is committed, for later steps may be committed before the parts come.
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

        Hold(turn);
        WriteNext(turn);
    }

    public static void OnSaved(JobTurn turn, RankPlacement rank, StateSaved saved)
    {
        var pending = turn.Session.Checkpoints.GetValueOrDefault(saved.Step, PendingCheckpoint.Empty);
        if (saved.Step <= turn.Record.LastCheckpoint || pending.Parts.ContainsKey(rank.Stage))
        {
            turn.DropStale($"state of step {saved.Step} of {rank.Worker}");
            return;
        }

        Put(turn, saved.Step, pending with { Parts = pending.Parts.Add(rank.Stage, saved) });
        WriteNext(turn);
    }

    /// <summary>A checkpoint exists.</summary>
    public static void OnWritten(JobTurn turn, CheckpointManifest manifest)
    {
        turn.Raise(new CheckpointWritten { Step = manifest.Step, Bytes = manifest.Blobs.Aggregate(0UL, (sum, blob) => sum + blob.Bytes) });
        turn.Session = turn.Session with { CheckpointUnderWay = null };
        Hold(turn);
        if (!turn.Record.HasEnded)
        {
            WriteNext(turn);
            JobFinishing.ExportIfSaved(turn);
        }
    }

    /// <summary>The first worker gives no further verdict: the run ends with a checkpoint of this step.</summary>
    public static void OnHeld(JobTurn turn, StepsHeld held)
    {
        turn.Session = turn.Session with { HeldAfter = held.Step };
        Hold(turn);
    }

    private static void Hold(JobTurn turn)
    {
        if (turn.Session.HeldAfter is not { } step || !turn.Record.CancelRequested || turn.Record.State != JobState.Running || turn.Record.CommittedStep < step)
        {
            return;
        }

        // Nothing was done since the newest checkpoint, or since the start.
        if (step <= turn.Record.LastCheckpoint)
        {
            JobEnding.Cancel(turn);
        }
        else if (!turn.Session.Checkpoints.ContainsKey(step) && turn.Session.CheckpointUnderWay != step)
        {
            Draft(turn);
            foreach (var rank in Savers(turn.Placement))
            {
                turn.Send(rank.Worker, new CoordinatorMessage { SaveState = new SaveState { Scope = turn.Scope, Step = step, Folder = Store(turn.Record).Of(step) } });
            }
        }
    }

    /// <summary>The ranks that save a state: those of one replica.</summary>
    public static IEnumerable<RankPlacement> Savers(JobPlacement placement) => placement.Ranks.Where(IsSaver);

    public static bool IsSaver(RankPlacement rank) => rank.Replica == 0;

    public static CheckpointStore Store(JobRecord record) => new(Path.Combine(record.Output, CheckpointStore.FolderName));

    /// <summary>What the stage of a rank is to go on from; null: its initial state.</summary>
    public static SavedState? StateOf(JobRecord record, RankPlacement rank)
    {
        if (record.Resume?.Checkpoint is not { } checkpoint)
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

        var (step, next) = turn.Session.Checkpoints.FirstOrDefault(pending => pending.Value.Draft is not null && pending.Value.Parts.Count == turn.Placement.NumStages);
        if (next?.Draft is not { } draft)
        {
            return;
        }

        var manifest = draft.Clone();
        manifest.Blobs.AddRange(next.Parts.Values.SelectMany(part => part.Blobs).OrderBy(blob => blob.Layer));
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
        manifest.Layouts.AddRange(before?.Layouts ?? []);
        manifest.Layouts.Add(new LayoutStretch
        {
            Generation = placement.Generation,
            FirstStep = (before?.Step ?? 0) + 1,
            LastStep = record.CommittedStep,
            Replicas = (uint)placement.NumReplicas,
            Stages = (uint)placement.NumStages,
        });
        return manifest;
    }
}
