using Orchestrator.Protos;
using Orchestrator.Worker.Stages;
using TorchSharp;

namespace Orchestrator.Worker.Sessions;

/// <summary>Log-probabilities of label tokens on a whole model, in parts of bounded size.</summary>
/// <remarks>Compute thread only.</remarks>
internal static class ScoreRun
{
    private const int ProbabilitiesAPart = 64 * 1024;

    public static void Run(StageAssets assets, ScoreRequest request, StageActivity activity, Action<WorkerMessage> report, CancellationToken cancellationToken)
    {
        var part = New(request, 0);
        var probabilities = 0;
        for (var i = 0; i < request.MicroBatches.Count; i++)
        {
            cancellationToken.ThrowIfCancellationRequested();
            activity.Does($"scores micro-batch {i} of {request.MicroBatches.Count}");
            using var scope = torch.NewDisposeScope();
            foreach (var sample in assets.Model.Evaluate(assets.Train!.Read(request.MicroBatches[i]), null, withLogProbabilities: true).Samples)
            {
                part.Samples.Add(new SampleScore { Sample = sample.Sample, LossSum = sample.LossSum, Logprobs = { sample.LogProbabilities } });
                probabilities += sample.LogProbabilities!.Length;
            }

            if (probabilities < ProbabilitiesAPart)
                continue;
            report(new WorkerMessage { Score = part });
            (part, probabilities) = (New(request, part.Part + 1), 0);
        }

        part.Last = true;
        report(new WorkerMessage { Score = part });
        activity.WaitsFor("idle");
    }

    private static ScoreResult New(ScoreRequest request, uint part) => new() { Scope = request.Scope, RequestId = request.RequestId, Part = part };
}
