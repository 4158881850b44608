namespace Orchestrator.Coordinator.Cli.Generate;

/// <summary>One answer at a time, shown while it is made.</summary>
internal sealed class SingleAnswer(GenerateInput input, AnswerClient client, AnswerPrinter printer)
{
    /// <summary>Asks, shows and waits for the end.</summary>
    /// <param name="prompt">The prompt's tokens.</param>
    /// <param name="stream">The answer's own random numbers.</param>
    /// <param name="stop">Gives up.</param>
    public async Task<AnswerText> RunAsync(int[] prompt, uint stream, CancellationToken stop)
    {
        printer.Begin();
        var answer = new AnswerText(input.Text.Tokenizer, input.Settings.StopStrings);
        var request = client.Ask(prompt, PromptRoom.Fit(prompt, input.Settings, input.Model.Model.Spec), stream);
        while (answer.Reason is null)
        {
            foreach (var part in await client.HearAsync(stop))
            {
                if (part.RequestId == request) printer.Text(answer.Add(part));
            }
        }

        // Where a stop string ended it, the worker does not know yet.
        client.Stop(request);
        printer.End(prompt, answer);
        return answer;
    }
}
