using System.Threading.Channels;
using Orchestrator.Protos;
using Orchestrator.Worker.Generation;
using Orchestrator.Worker.Stages;

namespace Orchestrator.Worker.Sessions;

/// <summary>One job on this worker, from its first JoinGeneration or LoadStage to ReleaseJob.</summary>
/// <remarks>
/// Commands are handled one after another in the order in which they came; windows, saving, scoring and generating go to the compute thread in that order. A command
/// that was obeyed before changes nothing. A stage is loaded beside the loop: the question of a newer generation is answered meanwhile, what else comes waits for the stage. A newer generation breaks off the one that runs at once (<see cref="JobMembership"/>). The first failure of this worker's own ends the
/// job here: it is told, again in each generation that the worker is asked to join, and everything else but the release is ignored from then on.
/// What is told carries the fence of the command that it follows from; the outbox raises it to the newest one.
/// </remarks>
internal sealed class ServedJob : IAsyncDisposable
{
    private readonly Channel<(CoordinatorMessage Message, ShardOrigin Shards)> _commands =
        Channel.CreateUnbounded<(CoordinatorMessage, ShardOrigin)>(new UnboundedChannelOptions { SingleReader = true });

    private readonly CancellationTokenSource _ended = new();
    private readonly Lock _failing = new();
    private readonly HashSet<ulong> _scores = [];
    private readonly HashSet<ulong> _answers = [];
    private readonly string _job;
    private readonly WorkerParts _parts;
    private readonly Task _before;
    private readonly JobHoldings _holdings;
    private readonly JobMembership _membership;
    private readonly Task _loop;
    private Task _computing = Task.CompletedTask;
    private (StageSpec Stage, Task Done, CancellationTokenSource Off)? _loading;
    private GenerationEngine? _generator;
    private volatile JobScope _scope;
    private volatile bool _released;
    private JobScope? _asked;
    private Failure? _failure;

    /// <param name="scope">Of its first command.</param>
    /// <param name="parts">What jobs share.</param>
    /// <param name="before">The release of the same job's earlier life here: this one begins after it.</param>
    public ServedJob(JobScope scope, WorkerParts parts, Task before)
    {
        (_job, _scope, _parts, _before) = (scope.Job, scope, parts, before);
        _holdings = new JobHoldings(_job, parts.Self.WorkerId, parts.Cache);
        _membership = new JobMembership(_job, _holdings, parts, () => _computing, Fail, _ended.Token);
        _loop = Task.Run(HandleAllAsync);
    }

    /// <summary>Takes a command; one that makes a newer generation ends at once what is under way in the older one.</summary>
    public void Handle(CoordinatorMessage message, ShardOrigin shards)
    {
        if (message.BodyCase == CoordinatorMessage.BodyOneofCase.Join)
        {
            _membership.BreakOffBefore(message.Join.Scope.Generation);
            TellFailureIn(message.Join.Scope);
        }

        _commands.Writer.TryWrite((message, shards));
    }

    /// <summary>The job has ended, or does not need this worker any more: what outlives the process goes with it.</summary>
    public ValueTask ReleaseAsync()
    {
        _released = true;
        return DisposeAsync();
    }

    /// <summary>Ends the job's work here and frees everything of it.</summary>
    public async ValueTask DisposeAsync()
    {
        _commands.Writer.TryComplete();
        await _ended.CancelAsync();
        await _loop;
        await EndLoadingAsync(null);
        await _before;
        await _membership.EndAsync();
        _parts.Peers.Access.Close(_job);
        _parts.Peers.Tensors.Close(_job);
        _parts.Peers.Agreements.Close(_job);
        _parts.Peers.Weights.Close(_job);
        await _parts.Runtime.Compute.Run(() =>
        {
            _generator?.Dispose();
            _holdings.Dispose();
        });
        if (_released)
            _holdings.Files?.Delete();
        _ended.Dispose();
    }

    private async Task HandleAllAsync()
    {
        try
        {
            await _before.WaitAsync(_ended.Token);
            await foreach (var (message, shards) in _commands.Reader.ReadAllAsync(_ended.Token))
                await HandleAsync(message, shards);
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

    private async Task HandleAsync(CoordinatorMessage message, ShardOrigin shards)
    {
        if (message.BodyCase != CoordinatorMessage.BodyOneofCase.Join)
            await EndLoadingAsync(message is { LoadStage.Stage: { } next } ? next : null);
        switch (message.BodyCase)
        {
            case CoordinatorMessage.BodyOneofCase.LoadStage:
                Load(message.LoadStage, shards);
                break;
            case CoordinatorMessage.BodyOneofCase.Join:
                _scope = message.Join.Scope;
                await _membership.JoinAsync(message.Join);
                break;
            case CoordinatorMessage.BodyOneofCase.StartGeneration:
                _scope = message.StartGeneration.Scope;
                await _membership.StartAsync(message.StartGeneration);
                break;
            case CoordinatorMessage.BodyOneofCase.Window when _membership.Opens(message.Window) is { } run:
                Compute(_ => run());
                break;
            case CoordinatorMessage.BodyOneofCase.Hold when _membership.Current is { Gate: { } gate } held:
                gate.Hold();
                Compute(assets => _parts.Outbox.Post(new WorkerMessage { Held = new StepsHeld { Scope = held.Scope, Step = assets.ActedStep } }));
                break;
            case CoordinatorMessage.BodyOneofCase.SaveState when _membership.Current is { Gate: { } gate } saving:
                gate.HoldAfter(message.SaveState.Step);
                Compute(assets => Save(assets, saving, message.SaveState));
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

    private void Load(LoadStage command, ShardOrigin shards)
    {
        _scope = command.Scope;
        _parts.Peers.Weights.Open(_job, command.BaseSecret.ToByteArray());
        if (_membership.Current is not null)
        {
            StageLoading.ReportAgain(command, _holdings, _parts);
            return;
        }

        var off = CancellationTokenSource.CreateLinkedTokenSource(_ended.Token);
        _loading = (command.Stage, LoadAsync(command, shards, off.Token), off);
    }

    private async Task LoadAsync(LoadStage command, ShardOrigin shards, CancellationToken off)
    {
        try
        {
            var before = _holdings.Assets;
            await StageLoading.LoadAsync(command, _holdings, _parts, shards, off);
            _parts.Activity.WaitsFor("loaded: waits for its generation to start");
            if (_holdings.Assets is { } loaded && loaded != before)
                _parts.Logger.StageLoaded(_job, command.Stage.Place.Stage, command.Stage.Place.Replica, loaded.Model.Sources.ToString());
        }
        catch (OperationCanceledException) when (off.IsCancellationRequested)
        {
            // Another stage is to be loaded, or the job's part here has ended.
        }
#pragma warning disable CA1031 // Whatever it is becomes the job's failure.
        catch (Exception e)
#pragma warning restore CA1031
        {
            Fail(e);
        }
    }

    // The stage that is being loaded is most often the one that comes next; another one breaks it off.
    private async Task EndLoadingAsync(StageSpec? next)
    {
        if (_loading is not { } loading)
            return;
        _loading = null;
        if (next is not null && !StageComparison.IsSame(loading.Stage, next))
            await loading.Off.CancelAsync();
        await loading.Done;
        loading.Off.Dispose();
    }

    // One pass over the waiting requests may answer several: a later one then finds nothing to do.
    private void Generate(GenerateRequest request)
    {
        var assets = _holdings.Assets ?? throw new InvalidOperationException("a prompt came before the stage was loaded");
        var generator = _generator ??= new GenerationEngine(assets.Model, request.Scope, _parts.Activity.Does, _parts.Outbox.Post);
        generator.Enqueue(request);
        Compute(_ =>
        {
            generator.Run(_ended.Token);
            _parts.Activity.WaitsFor("idle");
        });
    }

    private static void Save(StageAssets assets, RunningGeneration running, SaveState command)
    {
        if (running.Ended.IsCancellationRequested)
            return;
        if (command.Step > assets.ActedStep)
            throw new InvalidOperationException($"the state of step {command.Step} is asked for, the worker has acted on step {assets.ActedStep}");
        running.Checkpoints!.Take(command.Step, command.Folder);
    }

    private void Compute(Action<StageAssets> work)
    {
        var assets = _holdings.Assets ?? throw new InvalidOperationException("a command came before the stage was loaded");
        _computing = Task.WhenAll(_computing, RunAsync());
        return;

        async Task RunAsync()
        {
            try
            {
                await _parts.Runtime.Compute.Run(() => Do(work, assets), _ended.Token);
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

    // What fails is told before the command behind it begins: that one would fail by this one's absence.
    private void Do(Action<StageAssets> work, StageAssets assets)
    {
        try
        {
            work(assets);
        }
        catch (Exception e) when (e is not OperationCanceledException)
        {
            Fail(e);
            throw;
        }
    }

    // A failed job joins nothing: what it told before is dropped as a report of an older generation, so its failure is the answer.
    private void TellFailureIn(JobScope scope)
    {
        lock (_failing)
        {
            _asked = scope;
            if (_failure is { } failure)
                Tell(failure, scope);
        }
    }

    private void Tell(Failure failure, JobScope scope) => _parts.Outbox.Post(new WorkerMessage { Failure = new WorkerFailure { Scope = scope, Failure = failure } });

    private void Fail(Exception exception)
    {
        var failure = FailureSentences.Of(exception);
        lock (_failing)
        {
            if (_failure is not null)
                return;
            _failure = failure;
            // Who is asked to join waits for an answer in that generation, even if this worker failed on the way to it.
            Tell(failure, _asked is { } asked && asked.Generation > _scope.Generation ? asked : _scope);
        }

        _parts.Logger.JobFailed(exception, _job, failure.Message);
        _parts.Activity.WaitsFor($"failed: {failure.Message}");
        _ended.Cancel();
    }
}
