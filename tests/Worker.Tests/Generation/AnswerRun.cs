using Orchestrator.Protos;
using Orchestrator.Worker.Generation;
using Orchestrator.Worker.Models;

namespace Orchestrator.Worker.Tests.Generation;

/// <summary>An answer put together from the parts that an engine told.</summary>
internal sealed record AnswerRun(int[] Tokens, AnswerEnd End)
{
    private static readonly JobScope Scope = new() { Job = "test", Generation = 1, Fence = 1 };

    public static GenerateRequest Request(ulong id, int[] prompt, int newTokens, Sampling? sampling = null, params uint[] stopTokens) => new()
    {
        Scope = Scope,
        RequestId = id,
        Prompt = { prompt.Select(token => (uint)token) },
        MaxNewTokens = (uint)newTokens,
        StopTokens = { stopTokens },
        Sampling = sampling,
    };

    public static AnswerRun Alone(StageModel model, GenerateRequest request) => Together(model, request)[request.RequestId];

    /// <summary>Answers requests that all wait when the engine starts.</summary>
    public static IReadOnlyDictionary<ulong, AnswerRun> Together(StageModel model, params GenerateRequest[] requests)
    {
        List<WorkerMessage> told = [];
        using var engine = new GenerationEngine(model, Scope, _ => { }, told.Add);
        Array.ForEach(requests, engine.Enqueue);
        engine.Run(TestContext.Current.CancellationToken);
        return Of(told);
    }

    /// <summary>Joins parts and checks that none is missing, comes twice or comes after the end.</summary>
    public static IReadOnlyDictionary<ulong, AnswerRun> Of(IEnumerable<WorkerMessage> told)
    {
        Dictionary<ulong, AnswerRun> answers = [];
        foreach (var part in told.SelectMany(message => message.Generate.Parts))
        {
            var before = answers.GetValueOrDefault(part.RequestId, new AnswerRun([], AnswerEnd.Unspecified));
            Assert.Equal((before.Tokens.Length, AnswerEnd.Unspecified), ((int)part.First, before.End));
            answers[part.RequestId] = new AnswerRun([.. before.Tokens, .. part.Tokens.Select(token => (int)token)], part.End);
        }

        return answers;
    }
}
