using Orchestrator.Coordinator.Cli.WholeModel;
using Orchestrator.Coordinator.Datasets;
using Orchestrator.Coordinator.Telemetry;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Cli.Score;

/// <summary>One <c>score</c>: a worker that loads the whole model, and the data's micro-batches sent to it a few at a time.</summary>
internal sealed class ScoreRun(WholeModelInput input, CommandOutput output, RunLog log, bool json)
{
    private const int OutstandingRequests = 4;

    public async Task RunAsync(CancellationToken cancellationToken)
    {
        var folder = WorkFolder.Temporary();
        PreparedSplit split;
        try
        {
            split = await DatasetPreparer.PrepareWholeAsync(input.Job, (int)input.Model.Spec.VocabSize, folder.Folders.Data, null, cancellationToken);
        }
        catch
        {
            folder.Dispose();
            throw;
        }

        var plan = ScorePlan.Create(split.Lengths, input.Job.Data.Packing);
        await using var worker = await WholeModelWorker.StartAsync(input, folder, [split.Shard], plan.MaxTokens, output, log, cancellationToken);
        await ScoreAsync(worker.Conversation, plan, cancellationToken);
    }

    private async Task ScoreAsync(WorkerConversation worker, ScorePlan plan, CancellationToken cancellationToken)
    {
        var report = new ScoreReport(output.Results, json);
        report.Begin();
        var parts = new List<SampleScore>();
        var (sent, done, part) = (0, 0, 0U);
        while (done < plan.MicroBatches.Count)
        {
            for (; sent < plan.MicroBatches.Count && sent - done < OutstandingRequests; sent++)
            {
                Ask(worker, plan, sent, done);
            }

            var message = await worker.HearAsync(cancellationToken);
            if (message.BodyCase != WorkerMessage.BodyOneofCase.Score)
            {
                continue;
            }

            var result = message.Score;
            // Requests are answered in their order, an answer part by part; what is sent twice is known by its numbers.
            if (result.RequestId != (ulong)done || result.Part != part)
            {
                continue;
            }

            part++;
            parts.AddRange(result.Samples);
            if (!result.Last)
            {
                continue;
            }

            foreach (var score in parts.OrderBy(sample => sample.Sample))
            {
                report.Add(score);
            }

            parts.Clear();
            (done, part) = (done + 1, 0);
        }

        report.End();
    }

    private static void Ask(WorkerConversation worker, ScorePlan plan, int request, int answered) => worker.Tell(new CoordinatorMessage
    {
        Score = new ScoreRequest { Scope = worker.Scope, RequestId = (ulong)request, AnsweredBefore = (ulong)answered, MicroBatches = { plan.MicroBatches[request] } },
    });
}
