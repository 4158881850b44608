using System.Collections.Immutable;
using System.Text.Json;
using Orchestrator.Coordinator.Membership;
using Orchestrator.Coordinator.Placement;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Runs;

/// <summary>From a job that waits for workers to workers that know each other.</summary>
internal static class JobLoading
{
    private static readonly JsonSerializerOptions PlanFormat = new() { WriteIndented = true };

    /// <summary>Places the job on the fleet as it is now, or says why it waits.</summary>
    public static void TryPlace(JobTurn turn)
    {
        if (turn.Record.Placement is not null || turn.Record.HasEnded || !turn.Record.IsPrepared || turn.Session.Material is not { } material)
        {
            return;
        }

        var result = LayoutPlanner.Plan(Request(material, turn.Session.Fleet, turn.Session.MaxWorkers) with { RequiredClass = RequiredClass(turn) });
        if (result.Layout is { } layout)
        {
            Place(turn, layout);
            turn.Do(new JobEffect.PublishPlan(Plan(material, result)));
        }
        else if (!result.Waits)
        {
            JobEnding.Fail(turn, result.Reason, invalid: true);
        }
        else if (turn.Session.MaxWorkers is { } all && turn.Session.Fleet.Workers.Length >= all)
        {
            var attached = turn.Session.Fleet.Workers.Select(worker => worker.Class).ToList();
            if (RequiredClass(turn) is { } required && !attached.Contains(required))
            {
                JobEnding.Fail(turn, ResumeDecision.ClassSentence(required, attached), invalid: true);
                return;
            }

            JobEnding.Fail(turn, $"{result.Reason.TrimEnd('.')}, and no other will come: {(all == 1 ? "the only worker" : $"all {all} workers")} of this run {(all == 1 ? "is" : "are")} attached.");
        }
        else if (!string.Equals(result.Reason, turn.Record.Reason, StringComparison.Ordinal))
        {
            turn.Raise(new JobWaits { Reason = result.Reason });
        }
    }

    /// <summary>The reason why no fleet could serve the job; null: some could.</summary>
    public static string? Impossible(JobMaterial material) =>
        LayoutPlanner.Plan(Request(material, new FleetSnapshot(0, []), maxWorkers: null)) is { Layout: null, Waits: false } result ? result.Reason : null;

    public static void OnLoad(JobTurn turn, RankPlacement rank, StageLoadReport report)
    {
        turn.Session = turn.Session with { Loads = turn.Session.Loads.SetItem(rank.Rank, report) };
        var allLoaded = turn.Placement.Ranks.All(r => turn.Session.Loads.GetValueOrDefault(r.Rank) is { Done: true });
        if (!allLoaded || turn.Record.StartedGeneration == turn.Placement.Generation)
        {
            return;
        }

        turn.Raise(new GenerationStarted { Generation = turn.Placement.Generation });
        turn.SendToAll(() => new CoordinatorMessage { StartGeneration = Generation(turn) });
    }

    public static void OnReady(JobTurn turn, RankPlacement rank)
    {
        turn.Session = turn.Session with { Ready = turn.Session.Ready.Add(rank.Rank), LastCommitAt = turn.Now };
        if (turn.Record.State != JobState.Loading || turn.Session.Ready.Count < turn.Placement.Ranks.Count)
        {
            return;
        }

        turn.Raise(new TrainingStarted { Generation = turn.Placement.Generation });
        JobStepping.OpenWindow(turn);
        JobFinishing.StartIfDone(turn);
    }

    /// <summary>The class that the job is held to by its earlier steps; null: any class will do.</summary>
    public static NumericClass? RequiredClass(JobTurn turn) => turn.Session.Material?.Spec.AllowClassChange == true ? null : turn.Record.Resume?.Checkpoint?.NumericClass;

    private static LayoutRequest Request(JobMaterial material, FleetSnapshot fleet, int? maxWorkers) => new()
    {
        Job = material.Spec,
        NumLayers = (int)material.Model.Spec.NumLayers,
        MaxMicroBatchesPerStep = material.Steps.MaxMicroBatchesPerStep,
        Workers = [.. fleet.Workers.Select(worker => new CandidateWorker(worker.Key.WorkerId, worker.Class))],
        MaxWorkers = maxWorkers,
    };

    private static void Place(JobTurn turn, LayoutPlan layout)
    {
        var workers = turn.Session.Fleet.Workers.ToImmutableDictionary(worker => worker.Key.WorkerId, StringComparer.Ordinal);
        var first = workers[layout.Stages[0].WorkerId];
        var placed = new JobPlaced
        {
            Generation = (turn.Record.Resume?.Checkpoint?.Generation ?? 0) + 1,
            NumericClass = layout.Class,
            ComputeDtype = turn.Record.Resume?.Checkpoint?.ComputeDtype ?? StageSpecs.ComputeDtype(turn.Material.Spec, first),
            NumReplicas = (uint)layout.Replicas,
            NumStages = (uint)layout.NumStages,
        };
        placed.Stages.AddRange(layout.Stages.OrderBy(stage => stage.Rank).Select(stage => new PlacedStage
        {
            Place = new Place { Replica = (uint)stage.Replica, Stage = (uint)stage.Stage },
            Worker = Identity(workers[stage.WorkerId].Key),
            FirstLayer = (uint)stage.FirstLayer,
            LastLayer = (uint)stage.LastLayer,
        }));
        turn.Raise(placed);
        foreach (var rank in turn.Placement.Ranks)
        {
            turn.Raise(new WorkerBound { Worker = Identity(rank.Worker), Fence = turn.Record.Fence });
        }

        foreach (var rank in turn.Placement.Ranks)
        {
            turn.Send(rank.Worker, new CoordinatorMessage { LoadStage = StageSpecs.Load(turn.Material, turn.Placement, rank, turn.Scope, JobCheckpointing.StateOf(turn.Record, rank)) });
        }
    }

    private static StartGeneration Generation(JobTurn turn)
    {
        var generation = new StartGeneration { Scope = turn.Scope, Secret = turn.Session.Secret };
        generation.Peers.AddRange(turn.Placement.Ranks.Select(rank => new Peer
        {
            Rank = (uint)rank.Rank,
            Worker = Identity(rank.Worker),
            Address = turn.Session.Fleet.Workers.FirstOrDefault(worker => worker.Key == rank.Worker)?.PeerAddress ?? "",
        }));
        return generation;
    }

    private static string Plan(JobMaterial material, LayoutResult result) => PlanDocument.Create(
        material.JobHash, material.Spec.Training.ReductionSlots, StageSpecs.RecomputeOf(material.Spec), material.Steps,
        result with { Findings = [.. material.Findings, .. result.Findings] }).ToJsonString(PlanFormat) + "\n";

    private static WorkerIdentity Identity(WorkerKey key) => new() { WorkerId = key.WorkerId, Incarnation = key.Incarnation };
}
