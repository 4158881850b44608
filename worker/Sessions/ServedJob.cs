using System.Collections.Immutable;
using System.Threading.Channels;
using Orchestrator.Protos;
using Orchestrator.Protos.Blobs;
using Orchestrator.Worker.Checkpoints;
using Orchestrator.Worker.Collectives;
using Orchestrator.Worker.Generation;
using Orchestrator.Worker.Kernels;
using Orchestrator.Worker.Optimizers;
using Orchestrator.Worker.Stages;
using Orchestrator.Worker.Transfer;

namespace Orchestrator.Worker.Sessions;

/// <summary>One job on this worker, from LoadStage to ReleaseJob.</summary>
/// <remarks>
/// Commands are handled one after another in the order in which they came; windows, saving, scoring and generating go to the compute thread in that order. A command
/// that was obeyed before changes nothing. The first failure ends the job here: it is told, and everything but the release is ignored from then on.
/// What is told carries the fence of the command that it follows from; the outbox raises it to the newest one.
/// </remarks>
internal sealed class ServedJob : IAsyncDisposable
{
    private readonly Channel<(CoordinatorMessage Message, CoordinatorConnection Coordinator)> _commands =
        Channel.CreateUnbounded<(CoordinatorMessage, CoordinatorConnection)>(new UnboundedChannelOptions { SingleReader = true });

    private readonly CancellationTokenSource _ended = new();
    private readonly HashSet<(bool Evaluates, ulong First)> _windows = [];
    private readonly HashSet<ulong> _scores = [];
    private readonly HashSet<ulong> _answers = [];
    private readonly string _job;
    private readonly WorkerParts _parts;
    private readonly Task _before;
    private readonly Task _loop;
    private Task _computing = Task.CompletedTask;
    private StageAssets? _assets;
    private StageExecutor? _executor;
    private StepGate? _gate;
    private CheckpointWriter? _checkpoints;
    private GenerationEngine? _generator;
    private GrpcPeerLink? _link;
    private JobScope _scope;
    private ulong _newestWindow;
    private int _failed;

    /// <param name="scope">Of its first command.</param>
    /// <param name="parts">What jobs share.</param>
    /// <param name="before">The release of the same job's earlier life here: this one begins after it.</param>
    public ServedJob(JobScope scope, WorkerParts parts, Task before)
    {
        (_job, _scope, _parts, _before) = (scope.Job, scope, parts, before);
        _loop = Task.Run(HandleAllAsync);
    }

    public void Handle(CoordinatorMessage message, CoordinatorConnection coordinator) => _commands.Writer.TryWrite((message, coordinator));

    /// <summary>Ends the job's work here and frees everything of it.</summary>
    public async ValueTask DisposeAsync()
    {
        _commands.Writer.TryComplete();
        await _ended.CancelAsync();
        await _loop;
        await _before;
        await _computing.ContinueWith(_ => { }, CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        if (_link is not null)
            await _link.DisposeAsync();
        if (_checkpoints is not null)
            await _checkpoints.Written;
        _parts.Peers.Access.Close(_job);
        _parts.Peers.Tensors.Close(_job);
        _parts.Peers.Agreements.Close(_job);
        await _parts.Runtime.Compute.Run(() =>
        {
            _executor?.Dispose();
            _checkpoints?.Dispose();
            _gate?.Dispose();
            _generator?.Dispose();
            _assets?.Dispose();
        });
        _ended.Dispose();
    }

    private async Task HandleAllAsync()
    {
        try
        {
            await _before.WaitAsync(_ended.Token);
            await foreach (var (message, coordinator) in _commands.Reader.ReadAllAsync(_ended.Token))
                await HandleAsync(message, coordinator);
        }
        catch (OperationCanceledException) when (_ended.IsCancellationRequested)
        {
            // Released.
        }
#pragma warning disable CA1031 // Whatever it is becomes the job's failure.
        catch (Exception e)
#pragma warning restore CA1031
        {
            Fail(e);
        }
    }

    private async Task HandleAsync(CoordinatorMessage message, CoordinatorConnection coordinator)
    {
        switch (message.BodyCase)
        {
            case CoordinatorMessage.BodyOneofCase.LoadStage when _assets is null:
                _scope = message.LoadStage.Scope;
                _assets = await StageLoading.LoadAsync(message.LoadStage, _parts.Runtime, _parts.Shards, coordinator, _parts.Activity, _parts.Outbox.Post, _ended.Token);
                _parts.Activity.WaitsFor("loaded: waits for its generation to start");
                _parts.Logger.StageLoaded(_job, _assets.Spec.Place.Stage, _assets.Spec.Place.Replica);
                break;
            case CoordinatorMessage.BodyOneofCase.StartGeneration when _executor is null:
                StartGeneration(message.StartGeneration);
                break;
            case CoordinatorMessage.BodyOneofCase.Window:
                OpenWindow(message.Window);
                break;
            case CoordinatorMessage.BodyOneofCase.Hold when _gate is { } gate:
                gate.Hold();
                Compute(assets => _parts.Outbox.Post(new WorkerMessage { Held = new StepsHeld { Scope = _scope, Step = assets.ActedStep } }));
                break;
            case CoordinatorMessage.BodyOneofCase.SaveState when _gate is { } gate:
                gate.HoldAfter(message.SaveState.Step);
                Compute(assets => Save(assets, message.SaveState));
                break;
            case CoordinatorMessage.BodyOneofCase.Score:
                _parts.Outbox.Answered(_job, message.Score.AnsweredBefore);
                if (_scores.Add(message.Score.RequestId))
                    Compute(assets => ScoreRun.Run(assets, message.Score, _parts.Activity, _parts.Outbox.Post, _ended.Token));
                break;
            case CoordinatorMessage.BodyOneofCase.Generate when _answers.Add(message.Generate.RequestId):
                Generate(message.Generate);
                break;
            case CoordinatorMessage.BodyOneofCase.StopGenerating:
                _generator?.Stop(message.StopGenerating.RequestId);
                break;
            default:
                break;
        }
    }

    // One pass over the waiting requests may answer several: a later one then finds nothing to do.
    private void Generate(GenerateRequest request)
    {
        var assets = _assets ?? throw new InvalidOperationException("a prompt came before the stage was loaded");
        var generator = _generator ??= new GenerationEngine(assets.Model, request.Scope, _parts.Activity.Does, _parts.Outbox.Post);
        generator.Enqueue(request);
        Compute(_ =>
        {
            generator.Run(_ended.Token);
            _parts.Activity.WaitsFor("idle");
        });
    }

    private void StartGeneration(StartGeneration command)
    {
        var assets = _assets ?? throw new InvalidOperationException("a generation starts before the stage is loaded");
        _scope = command.Scope;
        var spec = assets.Spec;
        var rank = (spec.Place.Replica * spec.NumStages) + spec.Place.Stage;
        var peers = command.Peers.OrderBy(peer => peer.Rank).ToImmutableArray();
        if (peers.Length != spec.NumReplicas * spec.NumStages || peers[(int)rank].Worker.WorkerId != _parts.Self.WorkerId)
            throw new InvalidOperationException($"the generation's {peers.Length} peers do not fit a layout of {spec.NumReplicas} x {spec.NumStages} with {_parts.Self.WorkerId} at rank {rank}");
        var secret = command.Secret.ToByteArray();
        _link = new GrpcPeerLink(new PeerIdentity(_job, _scope.Generation, rank), secret, peers, (peer, e) =>
            Fail(PeerTrouble.Of(e, _parts.Self.WorkerId, spec.Place.Stage, peers[(int)peer].Worker.WorkerId, peer)));
        _parts.Peers.Tensors.Open(_job, _scope.Generation, Limits(assets));
        _parts.Peers.Agreements.Open(_job, _scope.Generation);
        _parts.Peers.Access.Open(new PeerIdentity(_job, _scope.Generation, rank), peers.Length, secret);
        var generation = new StageGeneration(
            _scope, _parts.Self, spec.Place, (int)spec.NumReplicas, (int)spec.NumStages, [.. peers.Select(peer => peer.Worker.WorkerId)],
            _link, _parts.Peers.Tensors, _parts.Peers.Agreements);
        _executor = NewExecutor(assets, generation);
        _gate = new StepGate(assets.ActedStep, _ended.Token);
        _checkpoints = new CheckpointWriter(assets.Adapter, spec.Place, _scope, _parts.Activity, _parts.Outbox.Post, Fail, _ended.Token);
        _parts.Logger.GenerationStarts(_job, _scope.Generation, peers.Length);
        _parts.Activity.WaitsFor($"generation {_scope.Generation}: waits for its first window");
        _parts.Outbox.Post(new WorkerMessage { GenerationReady = new GenerationReady { Scope = _scope } });
    }

    private StageExecutor NewExecutor(StageAssets assets, StageGeneration generation) =>
        new(assets, generation, new AdapterOptimizer(assets.Spec.Optimizer), SlotRule.For, ChunkKernels.SumOfSquares, _parts.Activity, _parts.Outbox.Post);

    private static TransferLimits Limits(StageAssets assets)
    {
        var constants = assets.Spec.Constants;
        var elementBytes = (ulong)BlobLayout.BytesOf(constants.ComputeDtype);
        return new TransferLimits(
            assets.Spec.MaxMicroBatchTokens * (ulong)assets.Spec.Model.HiddenSize * elementBytes,
            (ulong)(assets.Adapter.Layout.NumElements * BlobLayout.BytesOf(assets.Adapter.GradientSums)));
    }

    private void OpenWindow(StepWindow window)
    {
        var first = window.Steps.Count > 0 ? window.Steps[0].Number : window.EvaluateBeforeStep;
        if (_executor is not { } executor || window.Scope.Generation != _scope.Generation || !_windows.Add((window.Steps.Count == 0, first)))
            return;
        // A window is opened when half of the one before it is committed, and with that everything before that one.
        if (window.Steps.Count > 0)
        {
            _parts.Outbox.Committed(_job, _newestWindow);
            _newestWindow = first;
        }

        Compute(_ => Run(executor, window));
    }

    private void Run(StageExecutor executor, StepWindow window)
    {
        var gate = _gate!;
        try
        {
            executor.RunWindow(window, gate, step => SaveAfter(step, window.CheckpointFolder));
        }
        catch (OperationCanceledException) when (gate.IsClosed && !_ended.IsCancellationRequested)
        {
            _parts.Activity.WaitsFor("holds, as it was told");
        }
    }

    private void SaveAfter(Step step, string folder)
    {
        if (step.SaveAfter && folder.Length > 0)
            _checkpoints!.Take(step.Number, CheckpointFolders.Of(folder, step.Number));
    }

    private void Save(StageAssets assets, SaveState command)
    {
        if (command.Step != assets.ActedStep)
            throw new InvalidOperationException($"the state of step {command.Step} is asked for, the worker holds that of step {assets.ActedStep}");
        _checkpoints!.Take(command.Step, command.Folder);
    }

    private void Compute(Action<StageAssets> work)
    {
        var assets = _assets ?? throw new InvalidOperationException("a command came before the stage was loaded");
        _computing = Task.WhenAll(_computing, RunAsync());
        return;

        async Task RunAsync()
        {
            try
            {
                await _parts.Runtime.Compute.Run(() => work(assets), _ended.Token);
            }
            catch (OperationCanceledException) when (_ended.IsCancellationRequested)
            {
                // Released, or failed and told already.
            }
#pragma warning disable CA1031 // Whatever it is becomes the job's failure.
            catch (Exception e)
#pragma warning restore CA1031
            {
                Fail(e);
            }
        }
    }

    private void Fail(Exception exception)
    {
        if (Interlocked.Exchange(ref _failed, 1) != 0)
            return;
        var failure = FailureSentences.Of(exception);
        _parts.Logger.JobFailed(exception, _job, failure.Message);
        _parts.Outbox.Post(new WorkerMessage { Failure = new WorkerFailure { Scope = _scope, Failure = failure } });
        _parts.Activity.WaitsFor($"failed: {failure.Message}");
        _ended.Cancel();
    }
}
