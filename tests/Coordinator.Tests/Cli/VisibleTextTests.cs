using System.Text.Json.Nodes;
using Orchestrator.Coordinator.Cli;

namespace Orchestrator.Coordinator.Tests.Cli;

public sealed class VisibleTextTests
{
    [Theory]
    [InlineData("<|im_start|>", "\"<|im_start|>\"", "<|im_start|>", "<|im_start|>")]
    [InlineData(" it's a+b & é, ж, 漢, 🐂", "\" it's a+b & é, ж, 漢, 🐂\"", "' it's a+b & é, ж, 漢, 🐂'", " it's a+b & é, ж, 漢, 🐂")]
    [InlineData("\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645\u3000\U0001F469\u200d\U0001F4BB", "\"\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645\u3000\U0001F469\u200d\U0001F4BB\"", "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645\u3000\U0001F469\u200d\U0001F4BB", "\u0645\u06cc\u200c\u062e\u0648\u0627\u0647\u0645\u3000\U0001F469\u200d\U0001F4BB")]
    [InlineData("say \"a\\b\"", "\"say \\\"a\\\\b\\\"\"", "say \"a\\b\"", "say \"a\\b\"")]
    [InlineData("a\tb\r\n", "\"a\\tb\\r\\n\"", "a\\tb\\r\\n", "a\tb\\r\n")]
    [InlineData("\u001b[2J\u009b1m\u0007\0", "\"\\u001B[2J\\u009B1m\\u0007\\u0000\"", "\\u001B[2J\\u009B1m\\u0007\\u0000", "\\u001B[2J\\u009B1m\\u0007\\u0000")]
    [InlineData("\u202eabc\u2028\u00a0\U000E0041", "\"\\u202Eabc\\u2028\\u00A0\\uDB40\\uDC41\"", "\\u202Eabc\\u2028\\u00A0\\uDB40\\uDC41", "\\u202Eabc\\u2028\\u00A0\\uDB40\\uDC41")]
    [InlineData("", "\"\"", "''", "")]
    public void Text_OfData_IsReadableAndInert(string text, string quoted, string line, string lines)
    {
        Assert.Equal((quoted, line, lines), (VisibleText.Quoted(text), VisibleText.OnOneLine(text), VisibleText.Lines(text)));
        Assert.Equal(text, (string?)JsonNode.Parse(quoted));
    }

    [Fact]
    public void Quoted_HalfASurrogatePair_IsAReplacementCharacter() => Assert.Equal("\"a\uFFFD\"", VisibleText.Quoted("a\ud800"));
}
