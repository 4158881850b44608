using System.Buffers.Binary;
using Google.Protobuf;
using Orchestrator.Coordinator.Membership;
using Orchestrator.Protos;
using Orchestrator.Protos.Blobs;
using Orchestrator.Protos.Steps;

namespace Orchestrator.Coordinator.Tests.Runs;

/// <summary>Workers that obey every command at once and compute made-up numbers which depend on the step and the micro-batch alone.</summary>
/// <remarks>The same script serves the pure tests and the entity's: a command in, reports out.</remarks>
internal sealed class FakeWorkers(int count)
{
    public static readonly NumericClass Class = new() { Backend = "cpu", InstructionPath = "avx2", Libtorch = "2.10", Kernels = "1", Threads = 1 };

    private readonly Dictionary<WorkerKey, FakeWorker> _workers = [];

    /// <summary>Changes a report before it is sent; returns null to hold it back.</summary>
    public Func<WorkerKey, StepReport, StepReport?> Alter { get; init; } = (_, report) => report;

    /// <summary>Whether states are saved by themselves, as windows ask for it.</summary>
    public bool SavesStates { get; set; } = true;

    /// <summary>The last step whose evaluation is reported.</summary>
    public ulong EvaluatesTo { get; set; } = ulong.MaxValue;

    /// <summary>Whether saved states are written to disk; else they are only told of.</summary>
    public bool WritesBlobs { get; init; }

    /// <summary>Whether a stage with one replica keeps its states with the next rank, or a lone worker in a file.</summary>
    public bool Mirrors { get; init; } = true;

    /// <summary>Whether the newest state is not mirrored yet.</summary>
    public bool MirrorIsLate { get; set; }

    /// <summary>Workers that answer nothing.</summary>
    public HashSet<WorkerKey> Silent { get; } = [];

    /// <summary>Whether nobody tells at which step it holds.</summary>
    public bool HoldsBack { get; set; }

    /// <summary>Changes an answer to JoinGeneration before it is sent.</summary>
    public Action<WorkerKey, GenerationJoined> AlterJoined { get; set; } = (_, _) => { };

    /// <summary>Changes what a worker says that it begins a generation with.</summary>
    public Action<WorkerKey, GenerationReady> AlterReady { get; set; } = (_, _) => { };

    /// <summary>A sample's loss in the evaluation after a step.</summary>
    public Func<ulong, double> EvaluationLoss { get; init; } = step => 10.0 / (step + 1);

    /// <summary>Samples of one evaluation report.</summary>
    public int EvaluationPart { get; init; } = int.MaxValue;

    public FleetSnapshot Fleet { get; init; } = new(count, [.. Enumerable.Range(0, count).Select(index => Worker(index, Class))]);

    public static WorkerKey Key(int index) => new($"worker-{index}", 7);

    public static AttachedWorker Worker(int index, NumericClass numericClass) =>
        new(Key(index), numericClass, $"http://127.0.0.1:{4000 + index}", 1UL << 33, "cpu", FastBfloat16: false);

    /// <summary>Another life of a worker.</summary>
    public static AttachedWorker Life(int index, ulong incarnation) => Worker(index, Class) with { Key = new WorkerKey($"worker-{index}", incarnation) };

    /// <summary>Loss of a micro-batch, made up.</summary>
    public static double Loss(ulong step, int microBatch) => Math.Sin((step * 100) + (ulong)microBatch) + 2;

    /// <summary>The sum over layers of what their states hash to after a step, made up.</summary>
    public static ByteString Hash(uint firstLayer, uint lastLayer, ulong step)
    {
        var (low, high) = (0UL, 0UL);
        for (ulong layer = firstLayer; layer <= lastLayer; layer++)
        {
            low += ((step + 1) * 0x9E3779B97F4A7C15UL) ^ (layer * 0xBF58476D1CE4E5B9UL);
            high += ((step + 7) * 0x94D049BB133111EBUL) ^ (layer * 0xD6E8FEB86659FD93UL);
        }

        var bytes = new byte[16];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, low);
        BinaryPrimitives.WriteUInt64LittleEndian(bytes.AsSpan(8), high);
        return ByteString.CopyFrom(bytes);
    }

    /// <summary>The states that a worker has itself.</summary>
    public IEnumerable<ulong> StepsHeldBy(WorkerKey worker) => _workers.GetValueOrDefault(worker)?.History ?? [];

    public IEnumerable<WorkerMessage> Obey(WorkerKey worker, CoordinatorMessage command)
    {
        if (Silent.Contains(worker))
        {
            return [];
        }

        var self = Of(worker);
        switch (command.BodyCase)
        {
            case CoordinatorMessage.BodyOneofCase.Join:
                return [new WorkerMessage { Joined = Joined(self, command.Join.Scope) }];
            case CoordinatorMessage.BodyOneofCase.LoadStage:
                self.Load(command.LoadStage);
                return [new WorkerMessage { StageLoad = new StageLoadReport { Scope = command.LoadStage.Scope, Done = true, BaseBytesRead = 1000 } }];
            case CoordinatorMessage.BodyOneofCase.StartGeneration:
                return Start(self, command.StartGeneration);
            case CoordinatorMessage.BodyOneofCase.Window:
                return Run(self, command.Window);
            case CoordinatorMessage.BodyOneofCase.Hold when HoldsBack:
                return [];
            case CoordinatorMessage.BodyOneofCase.Hold:
                return [new WorkerMessage { Held = new StepsHeld { Scope = command.Hold.Scope, Step = self.Acted } }];
            case CoordinatorMessage.BodyOneofCase.SaveState:
                return [Save(self.Stage!, command.SaveState.Scope, command.SaveState.Step, command.SaveState.Folder)];
            case CoordinatorMessage.BodyOneofCase.Release:
                _workers.Remove(worker);
                return [];
            default:
                return [];
        }
    }

    /// <summary>Every worker runs its newest window to a step while no coordinator is there; gives what they then have to report.</summary>
    public IReadOnlyList<(WorkerKey Worker, StepReport Report)> ActUnseen(ulong last)
    {
        var reports = new List<(WorkerKey, StepReport)>();
        foreach (var worker in _workers.Values)
        {
            foreach (var step in (worker.Window?.Steps ?? []).Where(step => step.Number > worker.Acted && step.Number <= last))
            {
                reports.Add((worker.Key, Report(worker, worker.Window!.Scope.Clone(), step)));
                worker.Act(step.Number);
            }
        }

        return reports;
    }

    private FakeWorker Of(WorkerKey worker) => _workers.TryGetValue(worker, out var known) ? known : _workers[worker] = new FakeWorker(worker);

    private GenerationJoined Joined(FakeWorker worker, JobScope scope)
    {
        var joined = new GenerationJoined { Scope = scope, ActedStep = worker.Acted };
        joined.States.AddRange(worker.States(StateHolding.Own, late: false));
        if (Mirrors && worker.Mirrored is { } mirrored && _workers.TryGetValue(mirrored, out var owner))
        {
            joined.States.AddRange(owner.States(StateHolding.Mirror, MirrorIsLate));
        }

        // What a lone worker's earlier life has left in its cache.
        if (Mirrors && worker.Stage is null && _workers.Values.FirstOrDefault(other => other.Key.WorkerId == worker.Key.WorkerId && other.Key != worker.Key && other.IsAlone) is { } earlier)
        {
            joined.States.AddRange(earlier.States(StateHolding.File, MirrorIsLate));
        }

        AlterJoined(worker.Key, joined);
        worker.Told = joined;
        return joined;
    }

    private IEnumerable<WorkerMessage> Start(FakeWorker worker, StartGeneration start)
    {
        var rank = start.Peers.ToList().FindIndex(peer => peer.Worker.WorkerId == worker.Key.WorkerId);
        Assert.Equal((worker.Key.Incarnation, (uint)rank), (start.Peers[rank].Worker.Incarnation, start.Peers[rank].Rank));
        foreach (var given in start.Transfers.Where(transfer => transfer.FromRank == rank))
        {
            Assert.Contains(worker.Told!.States, state => state.Step == start.FromStep && state.Holding == given.Holding && state.FirstLayer <= given.FirstLayer && given.LastLayer <= state.LastLayer);
        }

        // Whoever was not told to load for this generation only gives.
        if (worker.Stage is not { } stage || worker.LoadedGeneration != start.Scope.Generation)
        {
            return [];
        }

        var before = stage.NumReplicas == 1 && stage.NumStages > 1 ? start.Peers[(rank + (int)stage.NumStages - 1) % (int)stage.NumStages].Worker : null;
        worker.Begin(start, (uint)rank, before is null ? null : new WorkerKey(before.WorkerId, before.Incarnation));
        var ready = new GenerationReady { Scope = start.Scope, Step = start.FromStep, StateHash = Hash(stage.FirstLayer, stage.LastLayer, start.FromStep) };
        AlterReady(worker.Key, ready);
        return [new WorkerMessage { GenerationReady = ready }];
    }

    private IEnumerable<WorkerMessage> Run(FakeWorker worker, StepWindow window)
    {
        var stage = worker.Stage!;
        worker.Window = window;
        if (window.EvaluateBefore)
        {
            foreach (var part in Evaluation(stage, window, window.EvaluateBeforeStep))
            {
                yield return part;
            }
        }

        foreach (var step in window.Steps)
        {
            // One that was held back in an earlier window waits there.
            if (worker.Acted + 1 != step.Number)
            {
                yield break;
            }

            if (Alter(worker.Key, Report(worker, window.Scope, step)) is not { } report)
            {
                yield break;
            }

            worker.Act(step.Number);
            yield return new WorkerMessage { Step = report };
            if (step.SaveAfter && window.CheckpointFolder.Length > 0 && SavesStates)
            {
                yield return Save(stage, window.Scope, step.Number, CheckpointFolders.Of(window.CheckpointFolder, step.Number));
            }

            if (step.EvaluateAfter)
            {
                foreach (var part in Evaluation(stage, window, step.Number))
                {
                    yield return part;
                }
            }
        }
    }

    private static StepReport Report(FakeWorker worker, JobScope scope, Step step)
    {
        var stage = worker.Stage!;
        var report = new StepReport
        {
            Scope = scope,
            Worker = new WorkerIdentity { WorkerId = worker.Key.WorkerId, Incarnation = worker.Key.Incarnation },
            Place = stage.Place,
            Step = step.Number,
            Applied = true,
            GradNorm = 1.0 / step.Number,
            StateHash = Hash(stage.FirstLayer, stage.LastLayer, step.Number),
            Phases = new PhaseSeconds { Total = 0.5 },
            Totals = new WorkerTotals { MicroBatchesRun = step.Number },
        };
        // Label tokens need not be true of each micro-batch, only in sum: the first one takes all.
        report.Losses.AddRange(step.MicroBatches.Select((microBatch, index) => new MicroBatchLoss
        {
            MicroBatch = (uint)index,
            LossSum = Loss(step.Number, index),
            LabelTokens = index == 0 ? step.LabelTokens : 0,
            Samples = SampleHash.Of(step.Number, (uint)index, microBatch.Samples),
        }));
        return report;
    }

    private IEnumerable<WorkerMessage> Evaluation(StageSpec stage, StepWindow window, ulong step) => window.Evaluation.Where(_ => step <= EvaluatesTo)
        .SelectMany(microBatch => microBatch.Samples)
        .Select(sample => new SampleLoss { Sample = sample, LossSum = EvaluationLoss(step), LabelTokens = 2 })
        .Chunk(EvaluationPart)
        .Select(part => new WorkerMessage { Evaluation = new EvaluationReport { Scope = window.Scope, Place = stage.Place, Step = step, Losses = { part } } });

    private WorkerMessage Save(StageSpec stage, JobScope scope, ulong step, string folder)
    {
        var saved = new StateSaved { Scope = scope, Place = stage.Place, Step = step };
        saved.Blobs.AddRange(stage.Adapter.GroupBy(module => module.Layer).Select(layer => WritesBlobs
            ? Write(folder, layer.Key, step, [.. layer])
            : new StateBlob { Layer = layer.Key, Sha256 = new string('0', 64), Bytes = 100 }));
        return new WorkerMessage { StateSaved = saved };
    }

    private static StateBlob Write(string folder, uint layer, ulong step, AdapterModule[] modules)
    {
        var specs = modules.SelectMany(module => new[]
        {
            new BlobTensorSpec($"{module.Module}.lora_A.weight", DType.F32, module.Rank, module.InFeatures),
            new BlobTensorSpec($"{module.Module}.lora_B.weight", DType.F32, module.OutFeatures, module.Rank),
        }).ToList();
        using var writer = BlobWriter.Create(folder, "layer-state", [new("layer", $"{layer}"), new("step", $"{step}")], specs);
        foreach (var spec in specs)
        {
            writer.Write(spec.Name, new byte[spec.Shape.Aggregate(4UL, (product, size) => product * size)]);
        }

        var digest = writer.CompleteByDigest();
        return new StateBlob { Layer = layer, Sha256 = digest.Sha256, Bytes = digest.Bytes };
    }
}
