using Orchestrator.Coordinator.Cli.Progress;
using Orchestrator.Coordinator.Runs;
using Orchestrator.Coordinator.Telemetry;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Cli.WholeModel;

/// <summary>A worker process that has loaded a whole model, and the coordinator in this process that it is attached to.</summary>
/// <remarks>Owns both. One caller at a time. The worker's failure is a <see cref="CommandFailedException"/> of the next read.</remarks>
internal sealed class WholeModelWorker : IAsyncDisposable
{
    private readonly EmbeddedCluster _cluster;

    private WholeModelWorker(EmbeddedCluster cluster, string job)
    {
        _cluster = cluster;
        Conversation = WorkerConversation.Open(cluster.Actors, cluster.Workers, job);
    }

    public WorkerConversation Conversation { get; }

    /// <summary>Starts the worker and waits until the model is loaded.</summary>
    /// <param name="input">The model.</param>
    /// <param name="folder">Taken over, also on a failure.</param>
    /// <param name="shards">Prepared data that the worker fetches.</param>
    /// <param name="maxTokens">Tokens of the largest pass.</param>
    /// <param name="output">Where a person sees how far it is.</param>
    /// <param name="log">The run's log.</param>
    /// <param name="cancellationToken">Gives up.</param>
    public static async Task<WholeModelWorker> StartAsync(
        WholeModelInput input, WorkFolder folder, IEnumerable<ShardRef> shards, int maxTokens, CommandOutput output, RunLog log, CancellationToken cancellationToken)
    {
        var cluster = await EmbeddedCluster.StartAsync(folder, log, cancellationToken);
        var worker = new WholeModelWorker(cluster, input.Job.Name);
        try
        {
            cluster.StartWorkers(1, input.Job.Resources.ComputeThreads, input.Job.Resources.NumericClass);
            await worker.LoadAsync(input, shards, maxTokens, new TerminalLine(output), cancellationToken);
            return worker;
        }
        catch
        {
            await worker.DisposeAsync();
            throw;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await Conversation.DisposeAsync();
        await _cluster.DisposeAsync();
    }

    private async Task LoadAsync(WholeModelInput input, IEnumerable<ShardRef> shards, int maxTokens, TerminalLine line, CancellationToken cancellationToken)
    {
        try
        {
            line.Show("starts a worker");
            var met = await Conversation.MeetAsync(cancellationToken);
            var stage = input.Stage(StageSpecs.ComputeDtype(input.Job, met), maxTokens);
            Conversation.Tell(new CoordinatorMessage { LoadStage = new LoadStage { Scope = Conversation.Scope, Stage = stage, Shards = { shards } } });
            while (true)
            {
                var message = await Conversation.HearAsync(cancellationToken);
                if (message.BodyCase != WorkerMessage.BodyOneofCase.StageLoad) continue;
                if (message.StageLoad.Done) return;
                line.Show($"loads layer {message.StageLoad.LayersLoaded} of {input.Model.Spec.NumLayers}");
            }
        }
        finally
        {
            line.Clear();
        }
    }
}
