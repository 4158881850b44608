using System.Collections.Concurrent;
using System.Runtime.InteropServices;
using Orchestrator.Coordinator.Jobs;
using Orchestrator.Coordinator.Membership;
using Orchestrator.Coordinator.Placement;
using Orchestrator.Coordinator.Runs;
using Orchestrator.Protos;
using Orchestrator.Protos.Blobs;
using Orchestrator.Worker.Adapters;
using Orchestrator.Worker.Collectives;
using Orchestrator.Worker.Commit;
using Orchestrator.Worker.Kernels;
using Orchestrator.Worker.Models;
using Orchestrator.Worker.Optimizers;
using Orchestrator.Worker.Runtime;
using Orchestrator.Worker.Stages;
using Orchestrator.Worker.Tests.Transfer;
using Orchestrator.Worker.Transfer;
using TorchSharp;

namespace Orchestrator.Worker.Tests.Stages;

/// <summary>The whole engine in one process: a golden job over replicas x stages, a compute thread each, in-memory peers.</summary>
internal sealed class EngineRun
{
    private const string Job = "job";
    private readonly ConcurrentBag<WorkerMessage> _messages = [];
    private readonly InMemoryPeers _peers = new();
    private readonly ConcurrentDictionary<string, byte[]> _adapter = new(StringComparer.Ordinal);

    private readonly ConcurrentDictionary<int, byte[]> _states = new();
    private readonly ConcurrentBag<(int Rank, ulong Step)> _acted = [];
    private readonly StepSlots _slots;
    private readonly Func<IPeerLink, IPeerLink> _through;

    private EngineRun(StepSlots slots, Func<IPeerLink, IPeerLink> through) => (_slots, _through) = (slots, through);

    /// <summary>Parameters and moments of every rank at the end, as bytes.</summary>
    public IReadOnlyDictionary<int, byte[]> States => _states;

    /// <summary>What each rank was called for after its steps.</summary>
    public IEnumerable<(int Rank, ulong Step)> Acted => _acted.Order();

    /// <summary>Every adapter matrix of replica 0 by its name.</summary>
    public IReadOnlyDictionary<string, byte[]> Adapter => _adapter;

    public IEnumerable<StepReport> Steps => _messages.Where(message => message.Step is not null).Select(message => message.Step);

    /// <summary>What a rank says of an evaluation: everybody says all of it.</summary>
    public IEnumerable<SampleLoss> EvaluationAt(ulong step, uint replica = 0, uint stage = 0) =>
        _messages.Where(message => message.Evaluation is { } evaluation && evaluation.Step == step && evaluation.Place.Replica == replica && evaluation.Place.Stage == stage)
            .SelectMany(message => message.Evaluation.Losses).OrderBy(loss => loss.Sample);

    /// <summary>Loss of a step: sums of micro-batches in index order over the step's label tokens.</summary>
    public double LossOf(ulong step)
    {
        var losses = Steps.First(report => report.Step == step).Losses;
        double sum = 0;
        foreach (var loss in losses)
            sum += loss.LossSum;
        return sum / losses.Aggregate(0UL, (total, loss) => total + loss.LabelTokens);
    }

    /// <param name="fixture">Folder of the golden job.</param>
    /// <param name="replicas">Replicas.</param>
    /// <param name="stages">Stages.</param>
    /// <param name="steps">Steps to run.</param>
    /// <param name="through">Puts something between the ranks and their links.</param>
    /// <param name="with">Changes the job.</param>
    /// <param name="slots">The rule of slots; null: the engine's own.</param>
    /// <param name="holdAfter">The step after which all ranks are told to hold; null: none.</param>
    /// <remarks>The first rank that fails ends the others at once; its exception is thrown.</remarks>
    public static async Task<EngineRun> RunAsync(
        string fixture, int replicas, int stages, int steps, Func<IPeerLink, IPeerLink>? through = null, Func<JobSpec, JobSpec>? with = null, StepSlots? slots = null, ulong? holdAfter = null)
    {
        var data = Directory.CreateTempSubdirectory("engine-");
        try
        {
            var material = await Prepare(fixture, data.FullName, with ?? (spec => spec));
            var run = new EngineRun(slots ?? SlotRule.For, through ?? (link => link));
            var ranks = Ranks(material, replicas, stages);
            // All open before anyone sends: the in-memory link repeats nothing, so what comes too early would be dropped for good.
            foreach (var rank in ranks)
            {
                run._peers[rank.Rank].Tensors.Open(Job, 1, new TransferLimits(ulong.MaxValue / 2, ulong.MaxValue / 2));
                run._peers[rank.Rank].Agreements.Open(Job, 1);
            }

            var placement = new JobPlacement(1, new NumericClass(), material.Spec.Quantization.ComputeDtype, replicas, stages, new ValueList<RankPlacement>([.. ranks]));
            using var ended = new CancellationTokenSource(TimeSpan.FromMinutes(2));
            // The others' ends follow from the first one, as cancellations: they do not count beside a failure.
            await Task.WhenAll(ranks.Select(async rank =>
            {
                try
                {
                    await run.RunRankAsync(material, placement, rank, steps, holdAfter, ended.Token);
                }
                catch
                {
                    await ended.CancelAsync();
                    throw;
                }
            }));
            return run;
        }
        finally
        {
            data.Delete(recursive: true);
        }
    }

    // What the case's job.yaml says.
    internal static Task<JobMaterial> Prepare(string fixture, string dataFolder, Func<JobSpec, JobSpec> with)
    {
        var folder = Path.Combine(Fixtures(), "training", fixture);
        var defaults = JobFile.Parse("{model: base, data: {train: train.jsonl}}", "job.yaml", folder, [], folder).Spec!;
        var spec = defaults with
        {
            Name = fixture,
            Model = Path.Combine(folder, "base"),
            Output = dataFolder,
            Adapter = defaults.Adapter with { InitFrom = Path.Combine(folder, "init") },
            Quantization = defaults.Quantization with { Type = QuantizationType.Nf4, DoubleQuant = true, ComputeDtype = DType.F32 },
            Data = defaults.Data with
            {
                Train = [Path.Combine(folder, "train.jsonl")],
                Eval = [Path.Combine(folder, "eval.jsonl")],
                Format = DataFormat.Tokens,
                Shuffle = false,
                Packing = false,
            },
            Training = defaults.Training with
            {
                MaxSteps = 200,
                GlobalBatchSize = 8,
                MicroBatchSize = 2,
                LearningRate = 0.002,
                LrScheduler = LearningRateScheduler.Linear,
                WarmupSteps = 10,
            },
        };
        return JobPreparation.RunAsync(with(spec), dataFolder, new Progress<string>(), CancellationToken.None);
    }

    internal static RankPlacement[] Ranks(JobMaterial material, int replicas, int stages)
    {
        var layers = LayoutPlanner.LayersOf(new LayoutSpec { Replicas = replicas, Stages = stages }, (int)material.Model.Spec.NumLayers);
        return [.. Enumerable.Range(0, replicas * stages).Select(rank =>
        {
            var stage = rank % stages;
            var first = layers.Take(stage).Sum();
            return new RankPlacement(rank, rank / stages, stage, new WorkerKey($"worker-{rank}", 1), first, first + layers[stage] - 1);
        })];
    }

    private async Task RunRankAsync(JobMaterial material, JobPlacement placement, RankPlacement rank, int steps, ulong? holdAfter, CancellationToken cancellationToken)
    {
        var scope = new JobScope { Job = Job, Generation = 1, Fence = 1 };
        var load = StageSpecs.Load(material, placement, rank, scope);
        using var compute = new ComputeThread(NumericEnvironment.ApplyToCurrentThread);
        await compute.Run(() =>
        {
            using var adapter = AdapterState.Create(load.Stage, torch.CPU);
            using var assets = new StageAssets
            {
                Spec = load.Stage,
                Device = torch.CPU,
                Adapter = adapter,
                Model = StageModel.Load(load.Stage, torch.CPU, adapter),
                Train = new SplitReader(BlobReader.Open(material.Data.Train.Path)),
                Evaluation = material.Data.Eval is { } eval ? new SplitReader(BlobReader.Open(eval.Path)) : null,
            };
            var peer = _peers[rank.Rank];
            var generation = new StageGeneration(
                scope, new WorkerIdentity { WorkerId = $"worker-{rank.Rank}", Incarnation = 1 }, load.Stage.Place, placement.NumReplicas, placement.NumStages,
                [.. placement.Ranks.Select(other => other.Worker.WorkerId)], _through(peer), peer.Tensors, peer.Agreements);
            using var history = new AdapterHistory(adapter.Layout);
            history.Keep(adapter, 0);
            using var executor = new StageExecutor(
                assets, generation, new StepStates(history, null, new KnownVerdicts()), new AdapterOptimizer(load.Stage.Optimizer), _slots, ChunkKernels.SumOfSquares, new StageActivity(), _messages.Add);
            using var gate = new StepGate(0, cancellationToken);
            if (holdAfter is { } last)
                gate.HoldAfter(last);
            foreach (var window in Windows(material, scope, steps))
                executor.RunWindow(window, gate, step => _acted.Add((rank.Rank, step.Number)));
            _states[rank.Rank] = [.. adapter.Moments.Prepend(adapter.Parameters).SelectMany(flat => MemoryMarshal.AsBytes(TensorMemory.Floats(flat)).ToArray())];
            if (rank.Replica == 0)
                Keep(adapter);
        }, CancellationToken.None);
    }

    private static IEnumerable<StepWindow> Windows(JobMaterial material, JobScope scope, int steps)
    {
        const int StepsAWindow = 4;
        foreach (var numbers in Enumerable.Range(1, steps).Chunk(StepsAWindow))
        {
            var window = new StepWindow { Scope = scope, EvaluateBefore = numbers[0] == 1 && material.Data.Eval is not null, Evaluation = { material.Steps.Evaluation } };
            lock (material.Steps)
                window.Steps.AddRange(numbers.Select(number => material.Steps.StepAt((ulong)number)));
            yield return window;
        }
    }

    private void Keep(AdapterState adapter)
    {
        var flat = TensorMemory.Floats(adapter.Parameters);
        foreach (var parameter in adapter.Layout.Parameters)
            _adapter[parameter.Name] = MemoryMarshal.AsBytes(flat.Slice((int)parameter.Offset, (int)parameter.Length)).ToArray();
    }

    private static string Fixtures()
    {
        var folder = new DirectoryInfo(AppContext.BaseDirectory);
        while (!File.Exists(Path.Combine(folder!.FullName, "Orchestrator.sln")))
            folder = folder.Parent;
        return Path.Combine(folder.FullName, "tests", "fixtures");
    }
}
