using System.Buffers.Binary;
using Google.Protobuf;
using Orchestrator.Coordinator.Membership;
using Orchestrator.Protos;
using Orchestrator.Protos.Blobs;

namespace Orchestrator.Coordinator.Tests.Runs;

/// <summary>Workers that obey every command at once and compute made-up numbers which depend on the step and the micro-batch alone.</summary>
/// <remarks>The same script serves the pure tests and the entity's: a command in, reports out.</remarks>
internal sealed class FakeWorkers(int count)
{
    public static readonly NumericClass Class = new() { Backend = "cpu", InstructionPath = "avx2", Libtorch = "2.10", Kernels = "1", Threads = 1 };

    private readonly Dictionary<WorkerKey, StageSpec> _stages = [];
    private readonly Dictionary<WorkerKey, ulong> _acted = [];

    /// <summary>Changes a report before it is sent; returns null to hold it back.</summary>
    public Func<WorkerKey, StepReport, StepReport?> Alter { get; init; } = (_, report) => report;

    /// <summary>Whether states are saved by themselves, as windows ask for it.</summary>
    public bool SavesStates { get; init; } = true;

    /// <summary>Whether saved states are written to disk; else they are only told of.</summary>
    public bool WritesBlobs { get; init; }

    /// <summary>Samples of one evaluation report.</summary>
    public int EvaluationPart { get; init; } = int.MaxValue;

    public FleetSnapshot Fleet { get; init; } = new(count, [.. Enumerable.Range(0, count).Select(index => Worker(index, Class))]);

    public static WorkerKey Key(int index) => new($"worker-{index}", 7);

    public static AttachedWorker Worker(int index, NumericClass numericClass) =>
        new(Key(index), numericClass, $"http://127.0.0.1:{4000 + index}", 1UL << 33, "cpu", FastBfloat16: false);

    /// <summary>Loss of a micro-batch, made up.</summary>
    public static double Loss(ulong step, int microBatch) => Math.Sin((step * 100) + (ulong)microBatch) + 2;

    public IEnumerable<WorkerMessage> Obey(WorkerKey worker, CoordinatorMessage command)
    {
        switch (command.BodyCase)
        {
            case CoordinatorMessage.BodyOneofCase.LoadStage:
                _stages[worker] = command.LoadStage.Stage;
                return [new WorkerMessage { StageLoad = new StageLoadReport { Scope = command.LoadStage.Scope, Done = true, BaseBytesRead = 1000 } }];
            case CoordinatorMessage.BodyOneofCase.StartGeneration:
                return [new WorkerMessage { GenerationReady = new GenerationReady { Scope = command.StartGeneration.Scope } }];
            case CoordinatorMessage.BodyOneofCase.Window:
                return Run(worker, _stages[worker], command.Window);
            case CoordinatorMessage.BodyOneofCase.Hold:
                return [new WorkerMessage { Held = new StepsHeld { Scope = command.Hold.Scope, Step = _acted.GetValueOrDefault(worker) } }];
            case CoordinatorMessage.BodyOneofCase.SaveState:
                return [Save(_stages[worker], command.SaveState.Scope, command.SaveState.Step, command.SaveState.Folder)];
            default:
                return [];
        }
    }

    private IEnumerable<WorkerMessage> Run(WorkerKey worker, StageSpec stage, StepWindow window)
    {
        if (window.EvaluateBefore && stage.Head)
        {
            foreach (var part in Evaluation(stage, window, window.EvaluateBeforeStep))
            {
                yield return part;
            }
        }

        foreach (var step in window.Steps)
        {
            if (Alter(worker, Report(stage, window.Scope, step)) is not { } report)
            {
                yield break;
            }

            _acted[worker] = step.Number;
            yield return new WorkerMessage { Step = report };
            if (step.SaveAfter && window.CheckpointFolder.Length > 0 && SavesStates)
            {
                yield return Save(stage, window.Scope, step.Number, CheckpointFolders.Of(window.CheckpointFolder, step.Number));
            }

            if (step.EvaluateAfter && stage.Head)
            {
                foreach (var part in Evaluation(stage, window, step.Number))
                {
                    yield return part;
                }
            }
        }
    }

    private static StepReport Report(StageSpec stage, JobScope scope, Step step)
    {
        var report = new StepReport
        {
            Scope = scope,
            Place = stage.Place,
            Step = step.Number,
            Applied = true,
            GradNorm = 1.0 / step.Number,
            StateHash = Hash(stage.Place.Stage, step.Number),
            Phases = new PhaseSeconds { Total = 0.5 },
            Totals = new WorkerTotals { MicroBatchesRun = step.Number },
        };
        if (stage.Head)
        {
            var owned = Enumerable.Range(0, step.MicroBatches.Count).Where(index => OwnerOf(index, step.MicroBatches.Count, stage) == (int)stage.Place.Replica).ToList();
            // Label tokens need not be true of each micro-batch, only in sum: the first one takes all.
            report.Losses.AddRange(owned.Select(index => new MicroBatchLoss
            {
                MicroBatch = (uint)index,
                LossSum = Loss(step.Number, index),
                LabelTokens = index == 0 ? step.LabelTokens : 0,
            }));
        }

        return report;
    }

    private static int OwnerOf(int microBatch, int microBatches, StageSpec stage)
    {
        var slots = 1;
        while (slots * 2 <= Math.Min(microBatches, stage.Constants.ReductionSlots))
        {
            slots *= 2;
        }

        var slot = microBatch * slots / microBatches;
        return Enumerable.Range(0, (int)stage.NumReplicas).Single(r => slot >= r * slots / stage.NumReplicas && slot < (r + 1) * slots / stage.NumReplicas);
    }

    private IEnumerable<WorkerMessage> Evaluation(StageSpec stage, StepWindow window, ulong step) => window.Evaluation
        .Where((_, index) => index % stage.NumReplicas == stage.Place.Replica)
        .SelectMany(microBatch => microBatch.Samples)
        .Select(sample => new SampleLoss { Sample = sample, LossSum = 10.0 / (step + 1), LabelTokens = 2 })
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

    private static ByteString Hash(uint stage, ulong step)
    {
        var bytes = new byte[16];
        BinaryPrimitives.WriteUInt64LittleEndian(bytes, step);
        BinaryPrimitives.WriteUInt32LittleEndian(bytes.AsSpan(8), stage);
        return ByteString.CopyFrom(bytes);
    }
}
