using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Cli.Generate;

/// <summary>Asks a worker for answers and hears their tokens, each once and in order.</summary>
/// <remarks>One caller at a time.</remarks>
internal sealed class AnswerClient(WorkerConversation worker)
{
    // The contract allows 64; this keeps all rows of a worker busy.
    private const ulong MostOpen = 32;
    private readonly Dictionary<ulong, uint> _heard = [];
    private ulong _last;

    /// <summary>Whether another question may be asked before an answer has ended.</summary>
    public bool CanAsk => _heard.Count == 0 || _last - _heard.Keys.Min() < MostOpen - 1;

    /// <summary>Asks for an answer; gives the number that its parts carry.</summary>
    /// <param name="prompt">Tokens of the prompt.</param>
    /// <param name="settings">How it is made.</param>
    /// <param name="stream">Answers of one seed that shall differ have streams of their own.</param>
    public ulong Ask(IReadOnlyList<int> prompt, GenerationSettings settings, uint stream)
    {
        var request = new GenerateRequest
        {
            Scope = worker.Scope,
            RequestId = ++_last,
            Prompt = { prompt.Select(token => (uint)token) },
            MaxNewTokens = (uint)settings.MaxNewTokens,
            StopTokens = { settings.StopTokens.Select(token => (uint)token) },
            Sampling = settings.Sampling?.Clone(),
        };
        if (request.Sampling is { } sampling) sampling.Stream = stream;
        _heard.Add(_last, 0);
        worker.Tell(new CoordinatorMessage { Generate = request });
        return _last;
    }

    /// <summary>Wants no more of an answer: nothing of it is heard any more.</summary>
    public void Stop(ulong requestId)
    {
        if (_heard.Remove(requestId)) worker.Tell(new CoordinatorMessage { StopGenerating = new StopGenerating { Scope = worker.Scope, RequestId = requestId } });
    }

    /// <summary>The next new tokens and ends.</summary>
    public async Task<IReadOnlyList<AnswerPart>> HearAsync(CancellationToken cancellationToken)
    {
        while (true)
        {
            var message = await worker.HearAsync(cancellationToken);
            if (message.BodyCase != WorkerMessage.BodyOneofCase.Generate) continue;
            List<AnswerPart> parts = [.. message.Generate.Parts.Where(IsNew)];
            if (parts.Count > 0) return parts;
        }
    }

    // A part that comes again after a broken stream begins before what was heard, or is of an answer that has ended.
    private bool IsNew(AnswerPart part)
    {
        if (!_heard.TryGetValue(part.RequestId, out var heard) || part.First != heard) return false;
        if (part.End == AnswerEnd.Unspecified) _heard[part.RequestId] += (uint)part.Tokens.Count;
        else _heard.Remove(part.RequestId);
        return true;
    }
}
