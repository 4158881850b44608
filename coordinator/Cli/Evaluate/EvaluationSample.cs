namespace Orchestrator.Coordinator.Cli.Evaluate;

/// <summary>A question and the answer that is expected.</summary>
/// <param name="Prompt">The question's tokens, up to where the model is to speak.</param>
/// <param name="Expected">The answer, white space around it left out.</param>
internal sealed record EvaluationSample(int[] Prompt, string Expected);
