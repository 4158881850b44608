using Orchestrator.Protos;
using Orchestrator.Worker.Models;
using Orchestrator.Worker.Stages;

namespace Orchestrator.Worker.Sessions;

/// <summary>Log-probabilities of label tokens on a whole model, in parts of bounded size.</summary>
/// <remarks>Compute thread only; the stage's lanes do the work.</remarks>
internal static class ScoreRun
{
    private const int ProbabilitiesAPart = 64 * 1024;

    public static void Run(StageAssets assets, ScoreRequest request, StageActivity activity, Action<WorkerMessage> report, CancellationToken cancellationToken)
    {
        var part = New(request, 0);
        var probabilities = 0;
        var evaluated = new StageEvaluation?[request.MicroBatches.Count];
        assets.Lanes.Run(
            evaluated.Length,
            i =>
            {
                cancellationToken.ThrowIfCancellationRequested();
                activity.Does($"scores micro-batch {i} of {evaluated.Length}");
                evaluated[i] = assets.Model.Evaluate(assets.Train!.Read(request.MicroBatches[i]), null, withLogProbabilities: true);
            },
            i =>
            {
                foreach (var sample in evaluated[i]!.Samples)
                {
                    part.Samples.Add(new SampleScore { Sample = sample.Sample, LossSum = sample.LossSum, Logprobs = { sample.LogProbabilities } });
                    probabilities += sample.LogProbabilities!.Length;
                }

                evaluated[i] = null;
                if (probabilities < ProbabilitiesAPart)
                    return;
                report(new WorkerMessage { Score = part });
                (part, probabilities) = (New(request, part.Part + 1), 0);
            });
        part.Last = true;
        report(new WorkerMessage { Score = part });
        activity.WaitsFor("idle");
    }

    private static ScoreResult New(ScoreRequest request, uint part) => new() { Scope = request.Scope, RequestId = request.RequestId, Part = part };
}
