namespace Orchestrator.Coordinator.Jobs;

/// <summary>Collects everything that is wrong with a job, in the order of the document and then of the options.</summary>
internal sealed class JobFileErrors
{
    private const int MaxErrors = 100;

    private readonly List<(YamlPlace Place, string Message)> _errors = [];

    public int Count => _errors.Count;

    public void Add(YamlPlace place, string message) => _errors.Add((place, message));

    public IReadOnlyList<string> ToSentences()
    {
        var sentences = _errors
            .OrderBy(error => error.Place.Source.Order).ThenBy(error => error.Place.Line).ThenBy(error => error.Place.Column)
            .Select(error => $"{error.Place}: {error.Message}{(error.Message.EndsWith('?') ? "" : ".")}").Distinct().ToList();
        return sentences.Count <= MaxErrors ? sentences : [.. sentences.Take(MaxErrors), $"{Sentence.Count(sentences.Count - MaxErrors, "more error is", "more errors are")} not shown."];
    }
}
