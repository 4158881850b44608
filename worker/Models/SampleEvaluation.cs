namespace Orchestrator.Worker.Models;

/// <summary>Loss of one evaluated sample.</summary>
/// <param name="Sample">Index in its split.</param>
/// <param name="LossSum">Sum of the token cross-entropies, added in fp64 in token order.</param>
/// <param name="LabelTokens">Labels that something predicts.</param>
/// <param name="LogProbabilities">Natural logarithm of each used label's probability in order; null unless asked for.</param>
internal sealed record SampleEvaluation(uint Sample, double LossSum, ulong LabelTokens, float[]? LogProbabilities);
