using System.Runtime.CompilerServices;
using Orchestrator.Coordinator.Tokenizers;

namespace Orchestrator.Coordinator.Cli.Generate;

/// <summary>Many prompts answered at once, the answers given in the prompts' order.</summary>
/// <param name="client">The worker's.</param>
/// <param name="tokenizer">Null: answers have no text.</param>
/// <param name="settingsFor">The settings that a prompt allows.</param>
internal sealed class AnswerBatch(AnswerClient client, Tokenizer? tokenizer, Func<int[], GenerationSettings> settingsFor)
{
    /// <summary>Answers, each with its prompt's index.</summary>
    public async IAsyncEnumerable<(int Index, AnswerText Answer)> RunAsync(IReadOnlyList<int[]> prompts, [EnumeratorCancellation] CancellationToken stop)
    {
        Dictionary<ulong, int> open = [];
        var answers = new AnswerText?[prompts.Count];
        var (asked, given) = (0, 0);
        while (given < prompts.Count)
        {
            for (; asked < prompts.Count && client.CanAsk; asked++)
            {
                var settings = settingsFor(prompts[asked]);
                open.Add(client.Ask(prompts[asked], settings, (uint)asked), asked);
                answers[asked] = new AnswerText(tokenizer, settings.StopStrings);
            }

            foreach (var part in await client.HearAsync(stop))
            {
                if (!open.TryGetValue(part.RequestId, out var index)) continue;
                answers[index]!.Add(part);
                if (answers[index]!.Reason is null) continue;
                open.Remove(part.RequestId);
                client.Stop(part.RequestId);
            }

            for (; given < asked && answers[given] is { Reason: not null } answer; given++)
            {
                answers[given] = null;
                yield return (given, answer);
            }
        }
    }
}
