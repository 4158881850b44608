using System.Buffers.Binary;
using Google.Protobuf;
using Orchestrator.Coordinator.Jobs;
using Orchestrator.Coordinator.Membership;
using Orchestrator.Coordinator.Runs;
using Orchestrator.Protos;
using Orchestrator.Worker.Tests.Stages;

namespace Orchestrator.Worker.Tests.Sessions;

/// <summary>A golden job served by workers of this process, from generation to generation.</summary>
internal sealed class ServedWorkers : IAsyncDisposable
{
    public const string Job = "job";
    private const string Golden = "nf4-adamw-linear";

    /// <summary>What the undisturbed job gives: a worker alone.</summary>
    public static readonly Lazy<Task<EngineRun>> Undisturbed = new(() => EngineRun.RunAsync(Golden, 1, 1, 5));

    private readonly List<ServedWorker> _workers = [];
    private readonly string _folder = Directory.CreateTempSubdirectory("served-").FullName;
    private JobMaterial? _material;

    /// <summary>A worker's folder that outlives its process.</summary>
    public string CacheOf(string worker) => Path.Combine(_folder, worker);

    public async Task<ServedWorker> AddAsync(string name, ulong incarnation = 1)
    {
        _material ??= await EngineRun.Prepare(Golden, _folder, spec => spec);
        Directory.CreateDirectory(CacheOf(name));
        foreach (var split in new[] { _material.Data.Train, _material.Data.Eval! })
            File.Copy(split.Path, Path.Combine(CacheOf(name), $"{split.Shard.Sha256}.blob"), overwrite: true);
        var worker = await ServedWorker.StartAsync(name, Job, CacheOf(name), incarnation);
        _workers.Add(worker);
        return worker;
    }

    /// <summary>A worker is lost.</summary>
    public async Task LoseAsync(ServedWorker worker)
    {
        _workers.Remove(worker);
        await worker.DisposeAsync();
    }

    /// <summary>Loads a layout's stages, and waits until all are loaded.</summary>
    public async Task LoadAsync(ulong generation, int replicas, int stages, params ServedWorker[] workers)
    {
        var ranks = EngineRun.Ranks(_material!, replicas, stages)
            .Select((rank, i) => rank with { Worker = new WorkerKey(workers[i].Self.WorkerId, workers[i].Self.Incarnation) }).ToArray();
        var placement = new JobPlacement(generation, new NumericClass(), _material!.Spec.Quantization.ComputeDtype, replicas, stages, new ValueList<RankPlacement>([.. ranks]));
        foreach (var (rank, worker) in ranks.Zip(workers))
            worker.Tell(new CoordinatorMessage { LoadStage = StageSpecs.Load(_material, placement, rank, Scope(generation)) });
        foreach (var worker in workers.Take(ranks.Length))
            await worker.HearAsync(message => message.StageLoad is { Done: true } load && load.Scope.Generation == generation);
    }

    /// <summary>Starts a generation among workers by rank; those that have a place say that they are ready.</summary>
    public static async Task<GenerationReady[]> StartAsync(ulong generation, ulong fromStep, int places, ServedWorker[] workers, bool mirror = false, params StateTransfer[] transfers)
    {
        Begin(generation, fromStep, workers, mirror, transfers, places: places);
        return await Task.WhenAll(workers.Take(places).Select(async worker =>
            (await worker.HearAsync(message => message.GenerationReady?.Scope.Generation == generation)).GenerationReady));
    }

    /// <summary>Tells all workers, or one of them, to start a generation.</summary>
    public static void Begin(ulong generation, ulong fromStep, ServedWorker[] workers, bool mirror, StateTransfer[] transfers, byte secret = 1, ServedWorker? to = null, int places = 0)
    {
        var start = new StartGeneration { Scope = Scope(generation), Secret = ByteString.CopyFrom(secret), FromStep = fromStep, Mirror = mirror, Transfers = { transfers }, NumPlaces = (uint)places };
        start.Peers.AddRange(workers.Select((worker, rank) => new Peer { Rank = (uint)rank, Worker = worker.Self, Address = worker.Peers.Address }));
        foreach (var worker in to is null ? workers : [to])
            worker.Tell(new CoordinatorMessage { StartGeneration = start });
    }

    /// <summary>Opens a window of steps.</summary>
    public void Open(ulong generation, int first, int last, params ServedWorker[] workers)
    {
        var window = new StepWindow { Scope = Scope(generation), Evaluation = { _material!.Steps.Evaluation } };
        lock (_material.Steps)
            window.Steps.AddRange(Enumerable.Range(first, last - first + 1).Select(number => _material.Steps.StepAt((ulong)number)));
        foreach (var worker in workers)
            worker.Tell(new CoordinatorMessage { Window = window });
    }

    /// <summary>Runs steps and waits for everybody's reports of the last one; each step's state is compared with the undisturbed run's.</summary>
    public async Task RunAsync(ulong generation, int first, int last, int stages, params ServedWorker[] workers)
    {
        Open(generation, first, last, workers);
        foreach (var worker in workers)
            await worker.HearAsync(message => message.Step is { } report && report.Step == (ulong)last && report.Scope.Generation == generation);
        var undisturbed = await Undisturbed.Value;
        for (var step = first; step <= last; step++)
        {
            var expected = undisturbed.Steps.First(report => report.Step == (ulong)step);
            var reports = workers.Select(worker => worker.Steps.First(report => report.Step == (ulong)step && report.Scope.Generation == generation)).ToArray();
            Assert.Equal(expected.StateHash, Sum(reports.Take(stages).Select(report => report.StateHash)));
            Assert.All(reports, report => Assert.Equal((expected.GradNorm, expected.Losses), (report.GradNorm, report.Losses)));
        }
    }

    /// <summary>Makes everybody join a generation.</summary>
    public static async Task<GenerationJoined[]> JoinAsync(ulong generation, params ServedWorker[] workers)
    {
        foreach (var worker in workers)
            worker.Tell(new CoordinatorMessage { Join = new JoinGeneration { Scope = Scope(generation) } });
        return await Task.WhenAll(workers.Select(async worker => (await worker.HearAsync(message => message.Joined?.Scope.Generation == generation)).Joined));
    }

    public static JobScope Scope(ulong generation) => new() { Job = Job, Generation = generation, Fence = 1 };

    /// <summary>The hash of several stages' states together.</summary>
    public static ByteString Sum(IEnumerable<ByteString> hashes)
    {
        ulong low = 0, high = 0;
        foreach (var hash in hashes)
        {
            low += BinaryPrimitives.ReadUInt64LittleEndian(hash.Span);
            high += BinaryPrimitives.ReadUInt64LittleEndian(hash.Span[8..]);
        }

        return ByteString.CopyFrom([.. BitConverter.GetBytes(low), .. BitConverter.GetBytes(high)]);
    }

    public async ValueTask DisposeAsync()
    {
        foreach (var worker in _workers)
            await worker.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }
}
