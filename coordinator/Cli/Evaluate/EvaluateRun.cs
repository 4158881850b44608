using Orchestrator.Coordinator.Cli.Generate;
using Orchestrator.Coordinator.Cli.WholeModel;
using Orchestrator.Coordinator.Telemetry;

namespace Orchestrator.Coordinator.Cli.Evaluate;

/// <summary>One <c>evaluate</c>: a worker that has loaded the model, and all samples answered by it, several at a time.</summary>
internal sealed class EvaluateRun(EvaluateInput input, EvaluateReport report, CommandOutput output, RunLog log)
{
    /// <returns>The exit code.</returns>
    public async Task<int> RunAsync(CancellationToken stop)
    {
        try
        {
            int[][] prompts = [.. input.Samples.Select(sample => sample.Prompt)];
            await using var worker = await WholeModelWorker.StartAsync(input.Model, WorkFolder.Temporary(), [], prompts.Max(prompt => prompt.Length), output, log, stop);
            var batch = new AnswerBatch(new AnswerClient(worker.Conversation), input.Text.Tokenizer, prompt => PromptRoom.Fit(prompt, input.Settings, input.Model.Model.Spec));
            await foreach (var (index, answer) in batch.RunAsync(prompts, stop)) report.Add(index, answer.Text, answer.Reason!.Value);
            report.End();
            return ExitCodes.Done;
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            output.Error("Interrupted; not all samples were answered.");
            return ExitCodes.Failed;
        }
    }
}
