using System.Text.Json;
using Orchestrator.Coordinator.Cli;
using Orchestrator.Coordinator.Cli.Evaluate;
using Orchestrator.Coordinator.Cli.Generate;

namespace Orchestrator.Coordinator.Tests.Cli.Evaluate;

public sealed class EvaluateReportTests : IDisposable
{
    private static readonly EvaluationSample[] Samples = [new([1], "yes"), new([1], "{\"a\":1}"), new([1], "non")];

    private readonly StringWriter _results = new();
    private readonly StringWriter _messages = new();

    [Fact]
    public void End_Json_HasALineASampleAndTheRate()
    {
        Report(AnswerMatch.Json, json: true);
        var lines = _results.ToString().TrimEnd().Split('\n').Select(line => JsonDocument.Parse(line).RootElement).ToArray();
        Assert.Equal(4, lines.Length);
        Assert.Equal(["index", "expected", "answer", "match", "finish_reason"], lines[0].EnumerateObject().Select(member => member.Name));
        Assert.Equal((1, "{\"a\":1}", "{ \"a\": 1 }", true, "stop_token"), (lines[1].GetProperty("index").GetInt32(), lines[1].GetProperty("expected").GetString(),
            lines[1].GetProperty("answer").GetString(), lines[1].GetProperty("match").GetBoolean(), lines[1].GetProperty("finish_reason").GetString()));
        Assert.Equal((2.0 / 3, 3, 2), (lines[3].GetProperty("rate").GetDouble(), lines[3].GetProperty("samples").GetInt32(), lines[3].GetProperty("matches").GetInt32()));
        Assert.Equal("""{"stop_token":2,"length":1}""", lines[3].GetProperty("finish_reasons").GetRawText());
        // Every character of a line is ASCII.
        Assert.All(_results.ToString(), character => Assert.InRange(character, '\n', '~'));
    }

    [Fact]
    public void End_ForPeople_SaysTheRateTheEndsAndTheMisses()
    {
        Report(AnswerMatch.Exact, json: false);
        var text = _results.ToString();
        Assert.StartsWith("rate 0.3333333333333333: 1 of 3 answers match (exact)\nended by stop token: 2, length: 1\n", text, StringComparison.Ordinal);
        Assert.Contains("miss 1, ended by stop token\n  expected  {\"a\":1}\n  answer    { \"a\": 1 }\n", text, StringComparison.Ordinal);
        Assert.Contains("miss 2, ended by length\n  expected  non\n  answer    né né\n", text, StringComparison.Ordinal);
        Assert.DoesNotContain("miss 0", text, StringComparison.Ordinal);
    }

    public void Dispose()
    {
        _results.Dispose();
        _messages.Dispose();
    }

    private void Report(AnswerMatch match, bool json)
    {
        var report = new EvaluateReport(new CommandOutput(_results, _messages, IsTerminal: false), match, Samples, json, TimeProvider.System);
        report.Add(0, " yes\n", AnswerReason.StopToken);
        report.Add(1, "{ \"a\": 1 }", AnswerReason.StopToken);
        report.Add(2, "né né", AnswerReason.Length);
        report.End();
    }
}
