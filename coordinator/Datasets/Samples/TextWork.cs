using Orchestrator.Coordinator.Jobs;

namespace Orchestrator.Coordinator.Datasets;

/// <summary>Rows of text: parsed, rendered, tokenized and labelled.</summary>
internal sealed class TextWork : IRecordWork
{
    private readonly RowParser _parser;
    private readonly SampleMaker _maker;
    private readonly SpecialTokenSearch _specialTokens;
    private readonly TurnEnds _ends;
    private readonly bool _isLearnedWhole;
    private readonly int? _bos;
    private readonly string _bosText;
    private readonly SampleRules _rules;
    private readonly bool _keepTexts;

    public TextWork(RowParser parser, ModelText model, LossOn lossOn, SampleRules rules, bool keepTexts)
    {
        _parser = parser;
        _rules = rules;
        _keepTexts = keepTexts;
        var resolved = SampleMaker.Resolve(parser.Format, lossOn);
        _maker = new SampleMaker(model, resolved);
        _specialTokens = SpecialTokenSearch.Of(model.Tokenizer);
        _bosText = model.Config.BosToken ?? "";
        _bos = _bosText.Length > 0 ? model.Tokenizer.TokenId(_bosText) : null;
        _isLearnedWhole = resolved == LossOn.All;
        _ends = new TurnEnds(model.IsEnd, id => model.Tokenizer.Decode([id], skipSpecialTokens: false));
    }

    public void Process(ReadOnlyMemory<byte> record, RecordPlace place, SampleBatch batch)
    {
        using var document = JsonRecord.Parse(record, place, out var wasRepaired);
        if (wasRepaired)
        {
            batch.Remarks.Add(RemarkCode.LoneSurrogate, place, "half of a surrogate pair (\\ud800 to \\udfff) is replaced by U+FFFD");
        }

        var row = _parser.Read(document.RootElement, place, batch.Remarks);
        _specialTokens.LookAt(row, place, batch.Remarks);
        var sample = Make(row);
        var ids = sample.InputIds;
        if (_bos is { } bos && ids.Length > 1 && ids[0] == bos && ids[1] == bos)
        {
            batch.Remarks.Add(RemarkCode.DoubledBos, place, $"the sample begins with {_bosText} twice");
        }

        if (!_isLearnedWhole || EndsWithAnswer(row))
        {
            _ends.Observe(ids, sample.Labels, batch.Statistics);
        }

        batch.Add(ids, sample.Labels, place, _rules, _keepTexts ? sample.Text : null);
    }

    // Of a sample that is learned whole the labels tell where one answer ends: the one that ends the sample.
    private static bool EndsWithAnswer(DataRow row) => row is CompletionRow or ChatRow { Roles: [.., ChatRoles.Assistant] };

    // The tokenizer refuses a text that its pattern cannot split in bounded time.
    private Sample Make(DataRow row)
    {
        try
        {
            return _maker.Make(row);
        }
        catch (InvalidInputException refusal)
        {
            throw new RowException(refusal.Message.TrimEnd('.'), inner: refusal);
        }
    }
}
