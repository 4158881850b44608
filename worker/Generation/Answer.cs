using Orchestrator.Protos;
using Orchestrator.Worker.Runtime;

namespace Orchestrator.Worker.Generation;

/// <summary>One answer on its way: the tokens so far, what of them was told, and why it ended.</summary>
/// <remarks>Compute thread only.</remarks>
internal sealed class Answer
{
    private readonly GenerateRequest _request;
    private readonly HashSet<uint> _stopTokens;
    private readonly TokenSampler _sampler;
    private readonly List<uint> _tokens = [];
    private int _told;

    /// <exception cref="WorkerFaultException">The request makes no sense for the model.</exception>
    public Answer(GenerateRequest request, int vocabulary)
    {
        if (request.Prompt.Count == 0 || request.MaxNewTokens == 0 || request.Prompt.Any(token => token >= vocabulary))
            throw new WorkerFaultException(ErrorCode.BadData, $"Request {request.RequestId} cannot be answered: {request.Prompt.Count} prompt tokens, {request.MaxNewTokens} new ones, a vocabulary of {vocabulary}.");
        (_request, _stopTokens, _sampler) = (request, [.. request.StopTokens], new TokenSampler(request.Sampling));
        Prompt = [.. request.Prompt.Select(token => (int)token)];
    }

    public ulong RequestId => _request.RequestId;

    public int[] Prompt { get; }

    /// <summary>The newest token: the next step's input.</summary>
    public int Newest => (int)_tokens[^1];

    public AnswerEnd End { get; private set; }

    public bool HasEnded => End != AnswerEnd.Unspecified;

    /// <summary>Chooses the next token and sees whether it is the last.</summary>
    public void Take(ReadOnlySpan<float> logits)
    {
        var token = (uint)_sampler.Choose(logits, (uint)_tokens.Count);
        _tokens.Add(token);
        End = _stopTokens.Contains(token) ? AnswerEnd.StopToken : _tokens.Count == _request.MaxNewTokens ? AnswerEnd.Length : AnswerEnd.Unspecified;
    }

    /// <summary>Ends it where it is.</summary>
    public void Stop() => End = HasEnded ? End : AnswerEnd.Stopped;

    /// <summary>What was not told yet; null: nothing.</summary>
    public AnswerPart? Untold()
    {
        if (_told == _tokens.Count && !HasEnded)
            return null;
        var part = new AnswerPart { RequestId = RequestId, First = (uint)_told, Tokens = { _tokens.Skip(_told) }, End = End };
        _told = _tokens.Count;
        return part;
    }
}
