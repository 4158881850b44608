using System.Buffers.Binary;
using System.Collections.Immutable;
using System.Security.Cryptography;
using System.Text.Json;
using Google.Protobuf;
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

    /// <summary>Tells everybody with a place what to load.</summary>
    /// <param name="turn">The turn.</param>
    /// <param name="fromCheckpoint">Whether a rank begins with the newest checkpoint's state, or the initial one where there is none.</param>
    public static void Load(JobTurn turn, Func<RankPlacement, bool> fromCheckpoint)
    {
        var holders = BaseHolders.Of(turn.Session);
        turn.Session = turn.Session with
        {
            Loads = turn.Session.Loads.Clear(),
            Ready = turn.Session.Ready.Clear(),
            Places = turn.Session.Places.SetItems(turn.Placement.Ranks.Select(rank => KeyValuePair.Create(rank.Worker, rank))),
        };
        foreach (var rank in turn.Placement.Ranks)
        {
            turn.Bind(rank.Worker);
        }

        foreach (var rank in turn.Placement.Ranks)
        {
            var state = fromCheckpoint(rank) ? JobCheckpointing.StateOf(turn.Record, rank) : null;
            var load = StageSpecs.Load(turn.Material, turn.Placement, rank, turn.Scope, state);
            BaseHolders.Name(load, holders, rank.Worker, turn.Session.Secret);
            turn.Send(rank.Worker, new CoordinatorMessage { LoadStage = load });
        }
    }

    public static void OnLoad(JobTurn turn, WorkerKey worker, StageLoadReport report)
    {
        turn.Session = turn.Session with { Loads = turn.Session.Loads.SetItem(worker, report) };
        if (turn.Record.State == JobState.Running)
        {
            JobChanges.OnLoad(turn, worker, report);
            return;
        }

        var allLoaded = turn.Placement.Ranks.All(rank => turn.Session.Loads.GetValueOrDefault(rank.Worker) is { Done: true });
        if (!allLoaded || turn.Record.StartedGeneration == turn.Placement.Generation)
        {
            return;
        }

        turn.Raise(new GenerationStarted { Generation = turn.Placement.Generation });
        foreach (var member in Members(turn).ToList())
        {
            turn.Send(member, new CoordinatorMessage { StartGeneration = Generation(turn) });
        }
    }

    public static void OnReady(JobTurn turn, RankPlacement rank, GenerationReady ready)
    {
        turn.Session = turn.Session with { Ready = turn.Session.Ready.SetItem(rank.Rank, ready) };
        if (turn.Record.State is not (JobState.Loading or JobState.Recovering) || turn.Session.Ready.Count < turn.Placement.Ranks.Count)
        {
            return;
        }

        if (GenerationCheck.Problem(turn) is { } problem)
        {
            JobEnding.Fail(turn, problem);
            return;
        }

        turn.Raise(StandstillAccount.Closed(turn));
        turn.Session = turn.Session with { LastCommitAt = turn.Now };
        foreach (var spare in turn.Session.Told.Where(worker => turn.Placement.Of(worker) is null).OrderBy(worker => worker.WorkerId, StringComparer.Ordinal).ToList())
        {
            turn.Release(spare);
        }

        JobStepping.OpenWindow(turn);
        JobStopping.OnTrainingStarted(turn);
        JobFinishing.StartIfDone(turn);
        JobChanges.Consider(turn);
    }

    /// <summary>The class that the job is held to by its earlier steps; null: any class will do.</summary>
    public static NumericClass? RequiredClass(JobTurn turn) => turn.Session.Material?.Spec.AllowClassChange == true ? null : turn.Record.Resume?.Checkpoint?.NumericClass;

    private static LayoutRequest Request(JobMaterial material, FleetSnapshot fleet, int? maxWorkers) => new()
    {
        Job = material.Spec,
        NumLayers = (int)material.Model.Spec.NumLayers,
        MaxMicroBatchesPerStep = material.Steps.MaxMicroBatchesPerStep,
        Workers = [.. fleet.Workers.Where(worker => worker.DrainReason is null).Select(worker => new CandidateWorker(worker.Key.WorkerId, worker.Class))],
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
            FromStep = turn.Record.CommittedStep,
        };
        placed.Stages.AddRange(layout.Stages.OrderBy(stage => stage.Rank).Select(stage =>
            StageOf(new RankPlacement(stage.Rank, stage.Replica, stage.Stage, workers[stage.WorkerId].Key, stage.FirstLayer, stage.LastLayer))));
        turn.Raise(placed);
        Load(turn, _ => true);
    }

    /// <summary>A place as it is journaled.</summary>
    public static PlacedStage StageOf(RankPlacement rank) => new()
    {
        Place = new Place { Replica = (uint)rank.Replica, Stage = (uint)rank.Stage },
        Worker = JobTurn.IdentityOf(rank.Worker),
        FirstLayer = (uint)rank.FirstLayer,
        LastLayer = (uint)rank.LastLayer,
    };

    /// <summary>Puts the newest placement into plan.json.</summary>
    public static void PublishPlan(JobTurn turn)
    {
        var (placement, layout) = (turn.Placement, turn.Placement.Ranks);
        var spares = JobRecovery.Candidates(turn).Where(worker => placement.Of(worker.Key) is null).Select(worker => worker.Key.WorkerId);
        var stages = layout.Select(rank => new PlannedStage(
            rank.Rank, rank.Replica, rank.Stage, rank.Worker.WorkerId, rank.FirstLayer, rank.LastLayer, Embedding: rank.Stage == 0, Head: rank.Stage == placement.NumStages - 1));
        var plan = new LayoutPlan(placement.NumReplicas, placement.NumStages, placement.Class, [.. stages], [.. spares]);
        turn.Do(new JobEffect.PublishPlan(Plan(turn.Material, new LayoutResult(plan, false, "", []))));
    }

    // By rank; behind the last one those that only give.
    private static IEnumerable<WorkerKey> Members(JobTurn turn) => turn.Placement.Ranks.Select(rank => rank.Worker).Concat(turn.Record.Generations.Givers);

    private static StartGeneration Generation(JobTurn turn)
    {
        var generation = new StartGeneration
        {
            Scope = turn.Scope,
            Secret = SecretOf(turn.Session, turn.Placement.Generation),
            FromStep = turn.Record.Generations.FromStep,
            Transfers = { turn.Record.Generations.Transfers },
            Mirror = turn.Material.Spec.Mirrors,
            NumPlaces = (uint)turn.Placement.Ranks.Count,
        };
        generation.Peers.AddRange(Members(turn).Select((member, rank) => new Peer
        {
            Rank = (uint)rank,
            Worker = JobTurn.IdentityOf(member),
            Address = turn.Session.Fleet.Workers.FirstOrDefault(worker => worker.Key == member)?.PeerAddress ?? "",
        }));
        return generation;
    }

    // Another one for each generation: a worker that was given up cannot speak in a later one.
    private static ByteString SecretOf(JobSession session, ulong generation)
    {
        Span<byte> number = stackalloc byte[sizeof(ulong)];
        BinaryPrimitives.WriteUInt64LittleEndian(number, generation);
        return ByteString.CopyFrom(HMACSHA256.HashData(session.Secret.Span, number));
    }

    private static string Plan(JobMaterial material, LayoutResult result) => PlanDocument.Create(
        material.JobHash, material.Spec.Training.ReductionSlots, StageSpecs.RecomputeOf(material.Spec), material.Steps,
        result with { Findings = [.. material.Findings, .. result.Findings] }).ToJsonString(PlanFormat) + "\n";
}
