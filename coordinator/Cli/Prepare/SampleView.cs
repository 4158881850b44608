using Orchestrator.Coordinator.Datasets;
using Orchestrator.Coordinator.Jobs;
using Orchestrator.Coordinator.Tokenizers;
using Spectre.Console;

namespace Orchestrator.Coordinator.Cli.Prepare;

/// <summary>Shows a sample to a person: its text, and each token with id, text and whether it carries loss.</summary>
internal sealed class SampleView(CommandOutput output)
{
    private static readonly Style Learned = new(Color.Green, decoration: Decoration.Bold);
    private static readonly Style Given = new(Color.Grey);

    private readonly IAnsiConsole? _console = output.ColoursResults ? ColouredConsole.On(output.Results) : null;

    public void Write(int index, string text, ReadOnlySpan<int> inputIds, ReadOnlySpan<int> labels, Tokenizer? tokenizer)
    {
        output.Results.WriteLine();
        output.Results.WriteLine($"sample {index}: {Sentence.Count(inputIds.Length, "token")}, {TokensRow.CountLabels(labels)} with loss");
        if (_console is null || tokenizer is null) output.Results.WriteLine(VisibleText.Lines(text));
        else WriteText(_console, inputIds, labels, tokenizer);
        for (var i = 0; i < inputIds.Length; i++)
        {
            var carriesLoss = labels[i] != TokensRow.NoLoss;
            var line = $"  {inputIds[i],7}  {(carriesLoss ? "loss" : "-   ")}  {(tokenizer is null ? "" : VisibleText.OnOneLine(tokenizer.Decode([inputIds[i]], skipSpecialTokens: false)))}".TrimEnd();
            if (_console is null) output.Results.WriteLine(line);
            else _console.WriteLine(line, carriesLoss ? Learned : Given);
        }
    }

    // Neighbours of one kind are decoded together: half a character has no text.
    private static void WriteText(IAnsiConsole console, ReadOnlySpan<int> inputIds, ReadOnlySpan<int> labels, Tokenizer tokenizer)
    {
        for (var start = 0; start < inputIds.Length;)
        {
            var carriesLoss = labels[start] != TokensRow.NoLoss;
            var end = start + 1;
            while (end < inputIds.Length && labels[end] != TokensRow.NoLoss == carriesLoss) end++;
            console.Write(new Text(VisibleText.Lines(tokenizer.Decode(inputIds[start..end], skipSpecialTokens: false)), carriesLoss ? Learned : Given));
            start = end;
        }

        console.WriteLine();
    }
}
