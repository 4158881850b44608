using Orchestrator.Coordinator.Cli.WholeModel;
using Orchestrator.Coordinator.Telemetry;

namespace Orchestrator.Coordinator.Cli.Generate;

/// <summary>One <c>generate</c>: a worker that has loaded the model, and the answers as they come.</summary>
internal sealed class GenerateRun(GenerateInput input, CommandOutput output, RunLog log)
{
    /// <summary>Answers the prompts, or whoever writes to <paramref name="reader"/>.</summary>
    /// <returns>The exit code.</returns>
    public async Task<int> RunAsync(TextReader reader, bool isTerminal, CancellationToken stop)
    {
        try
        {
            var longest = (input.Prompts ?? []).Select(prompt => prompt.Length).DefaultIfEmpty(0).Max();
            await using var worker = await WholeModelWorker.StartAsync(input.Model, WorkFolder.Temporary(), [], longest, output, log, stop);
            var client = new AnswerClient(worker.Conversation);
            var printer = new AnswerPrinter(output, input.Settings, input.Json);
            if (input.Prompts is null) await new ChatLoop(input, client, printer, output).RunAsync(reader, isTerminal, stop);
            else if (input.Prompts is [var only]) await new SingleAnswer(input, client, printer).RunAsync(only, stream: 0, stop);
            else await AnswerAllAsync(input.Prompts, client, printer, stop);
            return ExitCodes.Done;
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            if (input.Prompts is null) return ExitCodes.Done;
            output.Error("Interrupted; the answer is not complete.");
            return ExitCodes.Failed;
        }
    }

    private async Task AnswerAllAsync(IReadOnlyList<int[]> prompts, AnswerClient client, AnswerPrinter printer, CancellationToken stop)
    {
        var batch = new AnswerBatch(client, input.Text.Tokenizer, prompt => PromptRoom.Fit(prompt, input.Settings, input.Model.Model.Spec));
        await foreach (var (index, answer) in batch.RunAsync(prompts, stop)) printer.Whole(prompts[index], answer);
    }
}
