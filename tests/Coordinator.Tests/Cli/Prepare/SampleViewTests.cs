using System.Text;
using System.Text.RegularExpressions;
using Orchestrator.Coordinator.Cli;
using Orchestrator.Coordinator.Cli.Prepare;
using Orchestrator.Coordinator.Datasets;
using Orchestrator.Coordinator.Tests.Datasets;
using Orchestrator.Coordinator.Tokenizers;

namespace Orchestrator.Coordinator.Tests.Cli.Prepare;

/// <summary>A sample on a terminal with colours: what carries loss is seen, and every line is whole.</summary>
public sealed partial class SampleViewTests
{
    private const string Learned = "1;32";
    private const string Given = "90";

    private static readonly Tokenizer Tokenizer = Tokenizer.Open(GoldenDatasets.Model("qwen2_chatml"));

    [Fact]
    public void Write_WithColours_TellsWhatCarriesLossByColourAlone()
    {
        var (ids, labels) = Sample("<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\n", "yo there<|im_end|>", "\n");
        var pieces = Show(ids, labels);
        var text = pieces.TakeWhile(piece => !Row().IsMatch(piece.Text)).ToList();
        Assert.Equal("yo there<|im_end|>", Of(text, Learned));
        Assert.Equal("<|im_start|>userhi<|im_end|><|im_start|>assistant", Of(text, Given));
        Assert.Equal("<|im_start|>user\nhi<|im_end|>\n<|im_start|>assistant\nyo there<|im_end|>\n\n", string.Concat(text.Select(piece => piece.Text)));

        var rows = pieces.Where(piece => Row().IsMatch(piece.Text)).ToList();
        Assert.Equal(ids.Length, rows.Count);
        foreach (var (row, label) in rows.Zip(labels))
        {
            Assert.Equal(label == TokensRow.NoLoss ? Given : Learned, row.Style);
            Assert.Contains(label == TokensRow.NoLoss ? "  -     " : "  loss  ", row.Text, StringComparison.Ordinal);
        }
    }

    [Fact]
    public void Write_LongLine_IsNotBrokenAtTheWidth()
    {
        var question = string.Join(' ', Enumerable.Range(0, 400));
        var answer = string.Join(' ', Enumerable.Range(400, 400)) + new string('x', 500);
        var (ids, labels) = Sample(question, answer, "");
        Assert.Contains(question + answer + "\n", string.Concat(Show(ids, labels).Select(piece => piece.Text)), StringComparison.Ordinal);
    }

    [Fact]
    public void Write_ControlCharacters_AreShownAndNotObeyed()
    {
        var (ids, labels) = Sample("a\u001b[31mb", "c\u001b]0;title\u0007", "");
        var shown = string.Concat(Show(ids, labels).Select(piece => piece.Text));
        Assert.Contains("a\\u001B[31mbc\\u001B]0;title\\u0007\n", shown, StringComparison.Ordinal);
        Assert.DoesNotContain(shown, character => char.IsControl(character) && character != '\n');
    }

    private static (int[] Ids, int[] Labels) Sample(string given, string learned, string after)
    {
        int[] Ids(string text) => Tokenizer.Encode(text, addSpecialTokens: false).Ids;
        int[] None(string text) => [.. Ids(text).Select(_ => TokensRow.NoLoss)];
        return ([.. Ids(given), .. Ids(learned), .. Ids(after)], [.. None(given), .. Ids(learned), .. None(after)]);
    }

    private static List<(string Style, string Text)> Show(int[] ids, int[] labels)
    {
        using var shown = new StringWriter(new StringBuilder());
        new SampleView(new CommandOutput(shown, TextWriter.Null, IsTerminal: true) { ColoursResults = true }).Write(0, "not shown", ids, labels, Tokenizer);
        var all = shown.ToString().ReplaceLineEndings("\n");
        Assert.Contains($"\nsample 0: {ids.Length} tokens, {labels.Count(label => label != TokensRow.NoLoss)} with loss\n", all, StringComparison.Ordinal);
        var body = all[(all.IndexOf(" with loss\n", StringComparison.Ordinal) + " with loss\n".Length)..];
        return [.. Styled().Matches(body).Select(match => (match.Groups["style"].Value, match.Groups["text"].Value))];
    }

    private static string Of(IEnumerable<(string Style, string Text)> pieces, string style) => string.Concat(pieces.Where(piece => piece.Style == style).Select(piece => piece.Text));

    // A styled stretch, or plain text between two.
    [GeneratedRegex("\u001b\\[(?<style>[\\d;]+)m(?<text>[^\u001b]*)\u001b\\[0m|(?<text>[^\u001b]+)", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Styled();

    [GeneratedRegex(@"^  [ \d]{7}  (loss|-   )  ", RegexOptions.ExplicitCapture, 1000)]
    private static partial Regex Row();
}
