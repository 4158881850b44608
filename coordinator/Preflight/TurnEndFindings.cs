using System.Globalization;
using Orchestrator.Coordinator.Datasets;
using Orchestrator.Coordinator.Placement;

namespace Orchestrator.Coordinator.Preflight;

/// <summary>Whether the model learns to stop, and whether generation knows the token at which it then stops.</summary>
internal static class TurnEndFindings
{
    public static IEnumerable<Finding> Of(IReadOnlyList<SampleStatistics> splits, ModelText text, (string File, IReadOnlyList<int> Ids)? stops)
    {
        var turns = splits.Sum(split => split.Turns);
        var unlearned = splits.Sum(split => split.EndsWithoutLoss);
        var endless = splits.Sum(split => split.TurnsWithoutEnd);
        if (unlearned > 0)
        {
            var token = TokenText(text, splits.Select(split => split.UnlearnedEnd).First(id => id is not null)!.Value);
            // A few odd rows are a warning; a template that does so everywhere makes a model that never stops.
            yield return new Finding(
                2 * unlearned >= turns ? FindingSeverity.Error : FindingSeverity.Warning,
                "end-of-turn-without-loss",
                $"After {N(unlearned)} of {N(turns)} answers the end-of-turn token {token} carries no loss, so the model does not learn to stop; "
                + "put it inside {% generation %} in the chat template, or set data.loss_on to all.");
        }

        if (endless > 0)
        {
            yield return new Finding(
                FindingSeverity.Warning, "no-end-of-turn", $"{N(endless)} of {N(turns)} answers end without any end-of-turn token, so the model does not learn to stop there.");
        }

        if (stops is not { } known)
        {
            yield break;
        }

        var unknown = splits.SelectMany(split => split.EndTokens.Keys).Distinct().Where(id => !known.Ids.Contains(id)).Order().ToList();
        if (unknown.Count > 0)
        {
            yield return new Finding(
                FindingSeverity.Warning,
                "end-of-turn-unknown",
                $"Answers end with {string.Join(" and ", unknown.Select(id => $"{TokenText(text, id)} (id {id})"))}, but generation stops at {string.Join(", ", known.Ids)} only "
                + $"(eos_token_id in {known.File}); add the id there, or generation goes on after the answer.");
        }
    }

    private static string TokenText(ModelText text, int id) => text.Tokenizer.TokenText(id) ?? $"{id}";

    private static string N(long number) => number.ToString("#,0", CultureInfo.InvariantCulture);
}
