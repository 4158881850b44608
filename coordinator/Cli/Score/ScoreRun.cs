using Orchestrator.Coordinator.Datasets;
using Orchestrator.Coordinator.Runs;
using Orchestrator.Coordinator.Telemetry;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Cli.Score;

/// <summary>One <c>score</c>: a worker that loads the whole model, and the data's micro-batches sent to it a few at a time.</summary>
internal sealed class ScoreRun(ScoreInput input, CommandOutput output, RunLog log, bool json)
{
    private const int OutstandingRequests = 4;
    private const string JobName = "score";

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var folder = WorkFolder.Temporary();
        PreparedSplit split;
        try
        {
            split = await DatasetPreparer.PrepareFileAsync(input.Job.Data.Train[0], (int)input.Model.Spec.VocabSize, folder.Folders.Data, null, cancellationToken);
        }
        catch
        {
            folder.Dispose();
            throw;
        }

        var plan = ScorePlan.Create(split.Lengths, input.Job.Data.Packing);
        await using var cluster = await EmbeddedCluster.StartAsync(folder, log, cancellationToken);
        cluster.StartWorkers(1, input.Job.Resources.ComputeThreads, input.Job.Resources.NumericClass);
        await using var worker = WorkerConversation.Open(cluster.Actors, cluster.Workers, JobName);
        await LoadAsync(worker, plan, split, cancellationToken);
        await ScoreAsync(worker, plan, cancellationToken);
    }

    private async Task LoadAsync(WorkerConversation worker, ScorePlan plan, PreparedSplit split, CancellationToken cancellationToken)
    {
        var met = await worker.MeetAsync(cancellationToken);
        worker.Tell(new CoordinatorMessage { LoadStage = plan.Load(input, split, worker.Scope, StageSpecs.ComputeDtype(input.Job, met)) });
        while (true)
        {
            var message = await worker.HearAsync(cancellationToken);
            if (message is { BodyCase: WorkerMessage.BodyOneofCase.StageLoad, StageLoad.Done: true }) return;
        }
    }

    private async Task ScoreAsync(WorkerConversation worker, ScorePlan plan, CancellationToken cancellationToken)
    {
        var report = new ScoreReport(output.Results, json);
        report.Begin();
        var scores = new Dictionary<ulong, List<SampleScore>>();
        var (sent, done) = (0, 0);
        while (done < plan.MicroBatches.Count)
        {
            for (; sent < plan.MicroBatches.Count && sent - done < OutstandingRequests; sent++) Ask(worker, plan, sent);
            var message = await worker.HearAsync(cancellationToken);
            if (message.BodyCase != WorkerMessage.BodyOneofCase.Score) continue;
            var result = message.Score;
            // Requests are answered in their order; an answer sent twice is known by its number.
            if (result.RequestId != (ulong)done) continue;
            if (!scores.TryGetValue(result.RequestId, out var parts)) scores[result.RequestId] = parts = [];
            parts.AddRange(result.Samples);
            if (!result.Last) continue;
            foreach (var score in parts.OrderBy(part => part.Sample)) report.Add(score);
            scores.Remove(result.RequestId);
            done++;
        }

        report.End();
    }

    private static void Ask(WorkerConversation worker, ScorePlan plan, int request) => worker.Tell(new CoordinatorMessage
    {
        Score = new ScoreRequest { Scope = worker.Scope, RequestId = (ulong)request, MicroBatches = { plan.MicroBatches[request] } },
    });
}
