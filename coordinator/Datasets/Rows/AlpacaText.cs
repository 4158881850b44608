namespace Orchestrator.Coordinator.Datasets;

/// <summary>The wording of the Alpaca project, for models without a chat template.</summary>
internal static class AlpacaText
{
    private const string WithInput =
        "Below is an instruction that describes a task, paired with an input that provides further context. Write a response that appropriately completes the request.";

    private const string WithoutInput = "Below is an instruction that describes a task. Write a response that appropriately completes the request.";

    public static CompletionRow Of(string instruction, string input, string output) => new(
        input.Length > 0
            ? $"{WithInput}\n\n### Instruction:\n{instruction}\n\n### Input:\n{input}\n\n### Response:\n"
            : $"{WithoutInput}\n\n### Instruction:\n{instruction}\n\n### Response:\n",
        output);
}
