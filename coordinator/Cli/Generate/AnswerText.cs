using Orchestrator.Coordinator.Tokenizers;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Cli.Generate;

/// <summary>One answer as it comes: its tokens, its text, why it ended.</summary>
/// <remarks>Special tokens, and so stop tokens, are no text. Without a tokenizer there is none at all.</remarks>
internal sealed class AnswerText(Tokenizer? tokenizer, IReadOnlyList<string> stopStrings)
{
    private readonly StreamingDecoder? _decoder = tokenizer?.NewDecoder(skipSpecialTokens: true);
    private readonly StopStringFinder _stops = new(stopStrings);
    private readonly System.Text.StringBuilder _text = new();
    private readonly List<int> _ids = [];

    /// <summary>Null while it goes on.</summary>
    public AnswerReason? Reason { get; private set; }

    /// <summary>Every token, a stop token too; those of a stop string as far as they came.</summary>
    public IReadOnlyList<int> Ids => _ids;

    /// <summary>False: there is no tokenizer, so the ids are all there is.</summary>
    public bool HasText => _decoder is not null;

    public string Text => _text.ToString();

    /// <summary>Takes the newest tokens; gives the text that may be shown, always whole characters.</summary>
    public string Add(AnswerPart part)
    {
        var before = _text.Length;
        for (var i = 0; i < part.Tokens.Count && Reason is null; i++)
        {
            var id = (int)part.Tokens[i];
            _ids.Add(id);
            // A stop token may be one that is not marked as special.
            var isStop = part.End == AnswerEnd.StopToken && i == part.Tokens.Count - 1;
            if (!isStop) Append(_decoder?.Add(id) ?? "");
        }

        if (Reason is null && part.End != AnswerEnd.Unspecified) Finish(part.End);
        return _text.ToString(before, _text.Length - before);
    }

    private void Append(string piece)
    {
        _text.Append(_stops.Add(piece));
        if (_stops.Found) Reason = AnswerReason.StopString;
    }

    private void Finish(AnswerEnd end)
    {
        Append(_decoder?.Flush() ?? "");
        if (Reason is not null) return;
        _text.Append(_stops.Flush());
        Reason = AnswerReasons.Of(end);
    }
}
