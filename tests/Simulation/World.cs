using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using Orchestrator.Coordinator.Checkpoints;
using Orchestrator.Coordinator.Membership;
using Orchestrator.Coordinator.Runs;
using Orchestrator.Protos;

namespace Orchestrator.Simulation;

/// <summary>One run: a coordinator, its journal, workers, what lies on disks, and the faults that befall them, all decided by the seed.</summary>
internal sealed class World : IDisposable
{
    public const string Job = "job-1";

    // A job of a few seconds: whoever has not finished by then never will.
    private const double CalmPatience = 120;
    private const long MostEvents = 400_000;

    private readonly SortedDictionary<string, SimulatedWorker> _workers = new(StringComparer.Ordinal);
    private readonly Dictionary<string, ulong> _blobs = new(StringComparer.Ordinal);

    // Files of workers' caches, by worker: states by step, and the reports that lie with the newest one.
    private readonly Dictionary<string, (SortedDictionary<ulong, SortedDictionary<uint, ulong>> States, PendingReports Reports)> _files = new(StringComparer.Ordinal);
    private readonly List<SimulatedEntity> _entities = [];
    private ulong _incarnations;

    /// <param name="scenario">What the seed decides.</param>
    /// <param name="request">The job.</param>
    /// <param name="output">The run's folder; there is none yet.</param>
    /// <param name="tracedLines">How many lines are kept.</param>
    public World(Scenario scenario, SimulatedRequest request, string output, int tracedLines)
    {
        (Scenario, Request, Output) = (scenario, request, output);
        Truth = request.TruthOf(scenario.SkippedStep);
        Dice = new Random(scenario.Seed ^ 0x51ED5EED);
        Trace = new Trace(Time, tracedLines);
        Check = new Invariants(this);
        Network = new SimulatedNetwork(this);
        Faults = new Faults(this);
    }

    public Scenario Scenario { get; }

    public SimulatedRequest Request { get; }

    /// <summary>The run's folder, with the files that the coordinator makes.</summary>
    public string Output { get; }

    public CheckpointStore Checkpoints => RunFolder.CheckpointsOf(Output);

    public Truth Truth { get; }

    public Random Dice { get; }

    public Timeline Time { get; } = new();

    public Trace Trace { get; }

    public Invariants Check { get; }

    public Faults Faults { get; }

    public SimulatedNetwork Network { get; }

    public SimulatedJournal Journal { get; } = new();

    public SimulatedDirectory? Directory { get; private set; }

    /// <summary>Runs to the job's end.</summary>
    /// <exception cref="ViolationException">An invariant does not hold.</exception>
    public void Run()
    {
        Begin();
        for (var i = 0; i < Scenario.Workers; i++)
        {
            var name = string.Create(CultureInfo.InvariantCulture, $"worker-{i}");
            Time.In(Dice.NextDouble(), () => Start(name));
        }

        if (Scenario.CancelAt > 0)
            Time.In(Scenario.CancelAt, Cancel);
        for (long events = 0; !Check.HasEnded; events++)
        {
            Check.That(Time.Step() && events < MostEvents, "nothing happens any more");
            Check.That(!Faults.EndsNow() || !(Time.Now > Faults.CalmSince + CalmPatience), $"the job has not finished {CalmPatience} s after the last fault");
        }

        while (_entities.Exists(entity => entity.IsPublishing))
            Time.Step();
        Check.Finished();
    }

    public void Dispose() => _entities.ForEach(entity => entity.Dispose());

    /// <summary>The life of a worker that an identity means; null: it has ended.</summary>
    public SimulatedWorker? WorkerOf(WorkerIdentity identity) =>
        _workers.GetValueOrDefault(identity.WorkerId) is { IsAlive: true } worker && worker.Key.Incarnation == identity.Incarnation ? worker : null;

    public SimulatedWorker AnyWorker() => _workers.Values.ElementAt(Dice.Next(_workers.Count));

    /// <summary>A worker's process has ended; another life of it comes.</summary>
    public void Ended(SimulatedWorker worker) => Time.In(Dice.Next(3) == 0 ? Dice.NextDouble() * 4 : 0.3 + Dice.NextDouble(), () => Start(worker.Key.WorkerId));

    /// <summary>The coordinator's process ends, and another one begins with its journal.</summary>
    public void EndCoordinator(double downtime)
    {
        if (Directory is not { } directory)
            return;
        Trace.Note("the coordinator ends, for {0:0.0} s", downtime);
        Directory = null;
        directory.End();
        // One that was taken over from lives elsewhere.
        _entities[^1].End();
        Time.In(downtime, Begin);
    }

    /// <summary>Another life of the job's entity begins while the one before goes on, slowly.</summary>
    public void TakeOver()
    {
        if (Directory is not { } directory)
            return;
        Trace.Note("the coordinator is taken over from");
        _entities[^1].Slowness = Dice.NextDouble() * 2;
        Time.In(Dice.NextDouble(), () =>
        {
            if (Directory == directory)
                BeginEntity();
        });
    }

    public bool Chance(double chance) => !Faults.IsCalm && chance > 0 && Dice.NextDouble() < chance;

    public double PeerDelay() => Dice.NextDouble() * 2 * Scenario.Delay;

    public double StreamDelay() => Dice.Next(20) == 0 ? Dice.NextDouble() * 0.5 : 0.001 + (Dice.NextDouble() * 0.01);

    public double ComputeTime() => 0.01 + (Dice.NextDouble() * 2 * Scenario.Compute);

    /// <summary>When something is delivered that may not overtake what was delivered last.</summary>
    public double Later(double last, double delay) => Math.Max(last, Time.Now + delay);

    public IReadOnlyDictionary<ulong, SortedDictionary<uint, ulong>>? FilesOf(string worker) => _files.GetValueOrDefault(worker).States;

    public PendingReports? ReportsOf(string worker) => _files.GetValueOrDefault(worker).Reports;

    /// <summary>A lone worker writes a state, and what it has reported; the two newest states are kept.</summary>
    public void WriteFile(string worker, ulong step, SortedDictionary<uint, ulong> state, PendingReports reports)
    {
        var states = _files.GetValueOrDefault(worker).States ?? [];
        states[step] = state;
        foreach (var other in states.Keys.Where(other => other > step || other + Orchestrator.Worker.Commit.StateHistory.Kept <= step).ToList())
            states.Remove(other);
        _files[worker] = (states, reports);
    }

    public void DeleteFiles(string worker) => _files.Remove(worker);

    public string WriteBlob(ulong step, uint layer, ulong state)
    {
        var name = Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Create(CultureInfo.InvariantCulture, $"{step} {layer} {state}"))));
        _blobs[name] = state;
        System.IO.Directory.CreateDirectory(Checkpoints.Of(step));
        return name;
    }

    public ulong ReadBlob(string name) => _blobs[name];

    // Asked again until a coordinator has it in its journal.
    private void Cancel()
    {
        if (Directory is not null && _entities[^1] is { Record.IsSubmitted: true, Record.CancelRequested: false, Record.HasEnded: false } entity)
        {
            Trace.Note("somebody cancels the job");
            entity.Handle(new CancelJob { Job = Job });
        }

        if (!Journal.Events.Any(happened => happened is CancelRequested))
            Time.In(0.5, Cancel);
    }

    private void Begin()
    {
        Directory = new SimulatedDirectory(this);
        BeginEntity();
    }

    private void BeginEntity()
    {
        _entities.Add(new SimulatedEntity(this));
        _entities[^1].Begin();
    }

    private void Start(string name)
    {
        var worker = _workers[name] = new SimulatedWorker(this, new WorkerKey(name, ++_incarnations));
        Trace.Note("{0} begins", worker);
    }
}
