using Orchestrator.Coordinator.Jobs;

namespace Orchestrator.Coordinator.Datasets;

/// <summary>What decides which rows become samples.</summary>
internal sealed record RowSettings(int VocabSize, int MaxLength, Truncation Truncation, bool KeepUnlabelled, bool FormatIsAuto);

/// <summary>Reads rows of token files into a spill, cutting and dropping as the job says.</summary>
internal sealed class RowReader(RowSettings settings, TokenSpill spill, IProgress<DatasetProgress>? progress)
{
    private const int RowsAReport = 4096;

    private readonly TokensRow _row = new(settings.VocabSize, settings.FormatIsAuto);
    private SplitCounts _counts = new(0, 0, 0, 0);

    public SplitCounts ReadAll(IReadOnlyList<string> files, CancellationToken cancellationToken)
    {
        var (before, total) = (0L, files.Sum(file => new FileInfo(file).Length));
        foreach (var file in files)
        {
            using var lines = new JsonLines(file);
            while (lines.Read())
            {
                _row.Parse(lines.Line, file, lines.Number);
                Take(file, lines.Number);
                if (_counts.Rows % RowsAReport == 0)
                {
                    cancellationToken.ThrowIfCancellationRequested();
                    progress?.Report(new DatasetProgress(file, _counts.Rows, before + lines.BytesRead, total));
                }
            }

            before += lines.BytesRead;
            progress?.Report(new DatasetProgress(file, _counts.Rows, before, total));
        }

        return _counts;
    }

    private void Take(string file, long line)
    {
        _counts = _counts with { Rows = _counts.Rows + 1 };
        var inputIds = _row.InputIds;
        var labels = _row.Labels;
        if (inputIds.Length > settings.MaxLength)
        {
            switch (settings.Truncation)
            {
                case Truncation.Error:
                    throw new InvalidInputException(
                        $"{file}, line {line}: the sample has {inputIds.Length} tokens, more than data.max_length = {settings.MaxLength}, and data.truncation is error.");
                case Truncation.Drop:
                    _counts = _counts with { DroppedTooLong = _counts.DroppedTooLong + 1 };
                    return;
                case Truncation.Right:
                default:
                    _counts = _counts with { Truncated = _counts.Truncated + 1 };
                    inputIds = inputIds[..settings.MaxLength];
                    labels = labels[..settings.MaxLength];
                    break;
            }
        }

        if (!settings.KeepUnlabelled && TokensRow.CountLabels(labels) == 0)
        {
            _counts = _counts with { DroppedUnlabelled = _counts.DroppedUnlabelled + 1 };
            return;
        }

        spill.Add(inputIds, labels);
    }
}
