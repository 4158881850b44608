using System.Globalization;
using System.Text.Json.Nodes;
using Orchestrator.Coordinator.Cli.Generate;
using Orchestrator.Coordinator.Cli.Progress;
using Orchestrator.Coordinator.Models;

namespace Orchestrator.Coordinator.Cli.Evaluate;

/// <summary>Counts matches, prints samples as they are answered, and the rate at the end.</summary>
internal sealed class EvaluateReport(CommandOutput output, AnswerMatch match, IReadOnlyList<EvaluationSample> samples, bool json, TimeProvider time)
{
    private const int MissesShown = 5;
    private static readonly TimeSpan BetweenLines = TimeSpan.FromSeconds(5);
    private readonly List<(int Index, string Answer, AnswerReason Reason)> _misses = [];
    private readonly SortedDictionary<AnswerReason, int> _reasons = [];
    private readonly TerminalLine _line = new(output);
    private long _lastLine = time.GetTimestamp();
    private int _answered;
    private int _matches;

    /// <summary>The next sample's answer, in the order of the file.</summary>
    public void Add(int index, string answer, AnswerReason reason)
    {
        var trimmed = answer.Trim();
        var matches = match.Matches(samples[index].Expected, trimmed);
        _answered++;
        _matches += matches ? 1 : 0;
        _reasons[reason] = _reasons.GetValueOrDefault(reason) + 1;
        if (!matches && _misses.Count < MissesShown) _misses.Add((index, trimmed, reason));
        if (json) output.Results.WriteLine(Line(index, trimmed, reason, matches));
        Progress();
    }

    public void End()
    {
        _line.Clear();
        var rate = (double)_matches / samples.Count;
        if (json)
        {
            output.Results.WriteLine(new JsonObject
            {
                ["rate"] = rate,
                ["samples"] = samples.Count,
                ["matches"] = _matches,
                ["finish_reasons"] = new JsonObject(_reasons.Select(pair => KeyValuePair.Create(AnswerReasons.Name(pair.Key), (JsonNode?)pair.Value))),
            }.ToJsonString());
            return;
        }

        output.Results.WriteLine($"rate {rate.ToString(CultureInfo.InvariantCulture)}: {_matches} of {samples.Count} answers match ({match.ToString().ToLowerInvariant()})");
        output.Results.WriteLine($"ended by {string.Join(", ", _reasons.Select(pair => $"{AnswerReasons.Text(pair.Key)}: {pair.Value}"))}");
        foreach (var (index, answer, reason) in _misses)
        {
            output.Results.WriteLine();
            output.Results.WriteLine($"miss {index}, ended by {AnswerReasons.Text(reason)}");
            output.Results.WriteLine($"  expected  {OneLine(samples[index].Expected)}");
            output.Results.WriteLine($"  answer    {OneLine(answer)}");
        }
    }

    private static string OneLine(string text) => ForeignText.Clip(text.ReplaceLineEndings("\\n"));

    private string Line(int index, string answer, AnswerReason reason, bool matches) => new JsonObject
    {
        ["index"] = index,
        ["expected"] = samples[index].Expected,
        ["answer"] = answer,
        ["match"] = matches,
        ["finish_reason"] = AnswerReasons.Name(reason),
    }.ToJsonString();

    private void Progress()
    {
        var line = $"answered {_answered} of {samples.Count}, {_matches} match";
        _line.Show(line);
        if (!output.IsTerminal && time.GetElapsedTime(_lastLine) >= BetweenLines)
        {
            _lastLine = time.GetTimestamp();
            output.Messages.WriteLine(line);
        }
    }
}
