using Orchestrator.Protos;
using Orchestrator.Worker.Generation;
using Orchestrator.Worker.Runtime;
using Orchestrator.Worker.Tests.Models;

namespace Orchestrator.Worker.Tests.Generation;

public sealed class GenerationEngineTests
{
    [Theory]
    [InlineData(DType.F32)]
    [InlineData(DType.Bf16)]
    public void Run_ManyRequests_AnswersEachAsIfAlone(DType computeDtype)
    {
        var spec = GoldenFiles.Stage(GoldenFiles.Model("llama3"), Weights.Nf4Double);
        spec.Constants.ComputeDtype = computeDtype;
        using var stage = new LoadedStage(spec);
        // More than rows, of different lengths, so that rows change hands in the middle; some draw, some are greedy.
        var requests = Enumerable.Range(0, 19).Select(i => AnswerRun.Request(
            (ulong)i, [.. Enumerable.Range(0, 3 + (i * 5 % 17)).Select(j => ((i * 31) + (j * 7)) % 256)], 1 + (i * 11 % 23),
            i % 2 == 0 ? null : new Sampling { Temperature = 1.5, TopP = 0.9, Seed = 7, Stream = (uint)i })).ToArray();
        var together = AnswerRun.Together(stage.Model, requests);
        Assert.Equal(requests.Length, together.Count);
        foreach (var request in requests)
        {
            var answer = together[request.RequestId];
            Assert.Equal(AnswerRun.Alone(stage.Model, request).Tokens, answer.Tokens);
            Assert.Equal(((int)request.MaxNewTokens, AnswerEnd.Length), (answer.Tokens.Length, answer.End));
        }
    }

    [Fact]
    public void Run_AStopToken_EndsTheAnswerWithIt()
    {
        using var stage = new LoadedStage(GoldenFiles.Stage(GoldenFiles.Model("llama"), Weights.Sixteen));
        var expected = GoldenFiles.Expected("models", "llama");
        var (prompt, all) = (GoldenFiles.Integers(expected, "input_ids_0"), GoldenFiles.Integers(expected, "greedy_0"));
        var third = all[prompt.Length + 2];
        var answer = AnswerRun.Alone(stage.Model, AnswerRun.Request(1, prompt, 6, null, 255, (uint)third));
        Assert.Equal(all[prompt.Length..(prompt.Length + 3)], answer.Tokens);
        Assert.Equal(AnswerEnd.StopToken, answer.End);
    }

    /// <summary>A stop token that comes as the last one that may is why the answer ended.</summary>
    [Fact]
    public void Run_AStopTokenAtTheLastPlace_IsNoEndForLength()
    {
        using var stage = new LoadedStage(GoldenFiles.Stage(GoldenFiles.Model("llama"), Weights.Sixteen));
        var expected = GoldenFiles.Expected("models", "llama");
        var (prompt, all) = (GoldenFiles.Integers(expected, "input_ids_0"), GoldenFiles.Integers(expected, "greedy_0"));
        var answer = AnswerRun.Alone(stage.Model, AnswerRun.Request(1, prompt, 3, null, (uint)all[prompt.Length + 2]));
        Assert.Equal((3, AnswerEnd.StopToken), (answer.Tokens.Length, answer.End));
    }

    [Fact]
    public void Run_AStoppedAnswer_EndsAndOthersGoOn()
    {
        using var stage = new LoadedStage(GoldenFiles.Stage(GoldenFiles.Model("llama"), Weights.Sixteen));
        List<WorkerMessage> told = [];
        using var engine = new GenerationEngine(stage.Model, new JobScope { Job = "test" }, _ => { }, told.Add);
        engine.Enqueue(AnswerRun.Request(1, [5, 6, 7], 40));
        engine.Enqueue(AnswerRun.Request(2, [5, 6, 7], 40));
        engine.Stop(1);
        engine.Run(TestContext.Current.CancellationToken);
        var answers = AnswerRun.Of(told);
        Assert.Equal((1, AnswerEnd.Stopped), (answers[1].Tokens.Length, answers[1].End));
        Assert.Equal((40, AnswerEnd.Length), (answers[2].Tokens.Length, answers[2].End));
    }

    [Fact]
    public void Run_Released_StopsAtOnce()
    {
        using var stage = new LoadedStage(GoldenFiles.Stage(GoldenFiles.Model("llama"), Weights.Sixteen));
        using var released = new CancellationTokenSource();
        var steps = 0;
        using var engine = new GenerationEngine(stage.Model, new JobScope { Job = "test" }, _ =>
        {
            if (++steps == 5)
                released.Cancel();
        }, _ => { });
        engine.Enqueue(AnswerRun.Request(1, [5, 6, 7], 4000));
        Assert.Throws<OperationCanceledException>(() => engine.Run(released.Token));
        Assert.InRange(steps, 5, 6);
    }

    [Theory]
    [InlineData(new[] { 1, 256 }, 4)]
    [InlineData(new int[0], 4)]
    [InlineData(new[] { 1 }, 0)]
    public void Run_ARequestThatFitsNoModel_IsRefused(int[] prompt, int newTokens)
    {
        using var stage = new LoadedStage(GoldenFiles.Stage(GoldenFiles.Model("llama"), Weights.Sixteen));
        Assert.Throws<WorkerFaultException>(() => AnswerRun.Alone(stage.Model, AnswerRun.Request(1, prompt, newTokens)));
    }
}
