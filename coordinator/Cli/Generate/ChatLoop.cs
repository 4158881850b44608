using Orchestrator.Coordinator.Datasets;

namespace Orchestrator.Coordinator.Cli.Generate;

/// <summary>A chat: a line is a turn of the person, the model answers with all that was said before it.</summary>
/// <remarks>On a terminal it shows where to type; lines that come through a pipe are turns too. It ends with the input, with /bye or with Ctrl-C.</remarks>
internal sealed class ChatLoop(GenerateInput input, AnswerClient client, AnswerPrinter printer, CommandOutput output)
{
    private readonly List<(string Role, string Content)> _turns = [];
    private uint _answers;

    public async Task RunAsync(TextReader reader, bool isTerminal, CancellationToken stop)
    {
        if (isTerminal) output.Messages.WriteLine("/clear forgets what was said; /bye ends.");
        while (true)
        {
            if (isTerminal) output.Messages.Write("> ");
            // A read of the console cannot be given up; the process ends while it waits.
            var line = await Task.Run(reader.ReadLine, stop).WaitAsync(stop);
            switch (line?.Trim())
            {
                case null or "/bye" or "/exit":
                    if (isTerminal) output.Messages.WriteLine();
                    return;
                case "/clear":
                    _turns.Clear();
                    break;
                case "":
                    break;
                default:
                    await TurnAsync(line, stop);
                    break;
            }
        }
    }

    private async Task TurnAsync(string said, CancellationToken stop)
    {
        _turns.Add((ChatRoles.User, said));
        int[] prompt;
        try
        {
            prompt = input.Text.EncodeChat(Turns.Chat(_turns));
            PromptRoom.Fit(prompt, input.Settings, input.Model.Model.Spec);
        }
        catch (InvalidInputException refused)
        {
            // The chat goes on as if it had not been said.
            _turns.RemoveAt(_turns.Count - 1);
            output.Error($"{refused.Message} /clear begins anew.");
            return;
        }

        var answer = await new SingleAnswer(input, client, printer).RunAsync(prompt, _answers++, stop);
        _turns.Add((ChatRoles.Assistant, answer.Text));
    }
}
