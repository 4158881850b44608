using System.Text.Json;
using Orchestrator.Coordinator.Datasets;
using Orchestrator.Coordinator.Jobs;

namespace Orchestrator.Coordinator.Tests.Datasets;

/// <summary>No field of a row is dropped without a word.</summary>
public sealed class RowParserTests
{
    private const string Alpaca = "\"instruction\":\"a\",\"output\":\"b\"";
    private const string Pair = "\"prompt\":\"a\",\"completion\":\"b\"";
    private const string Chats = "\"prompt\":[{\"role\":\"user\",\"content\":\"a\"}],\"completion\":[{\"role\":\"assistant\",\"content\":\"b\"}]";

    [Theory]
    [InlineData(DataFormat.Alpaca, false, Alpaca + ",\"system\":\"Be brief.\"", "system")]
    [InlineData(DataFormat.Alpaca, false, Alpaca + ",\"system\":\"\"", "")]
    [InlineData(DataFormat.Alpaca, false, Alpaca + ",\"system\":null", "")]
    [InlineData(DataFormat.Alpaca, true, Alpaca + ",\"system\":\"Be brief.\"", "")]
    [InlineData(DataFormat.PromptCompletion, true, Pair + ",\"tools\":[1],\"documents\":\"[1]\",\"chat_template_kwargs\":{},\"role\":\"x\"", "tools documents chat_template_kwargs role")]
    [InlineData(DataFormat.PromptCompletion, true, Pair + ",\"tools\":[],\"documents\":null,\"chat_template_kwargs\":\"null\"", "")]
    [InlineData(DataFormat.PromptCompletion, true, Chats + ",\"tools\":[1],\"documents\":[1],\"chat_template_kwargs\":{}", "")]
    internal void Read_FieldThatTheRowHasNoPlaceFor_IsRemarked(DataFormat format, bool hasTemplate, string row, string unused)
    {
        var remarks = new RemarkTally();
        new RowParser(format, ValueMap<string>.Empty, hasTemplate).Read(JsonElement.Parse($"{{{row}}}"), default, remarks);
        Assert.Equal(
            unused.Split(' ', StringSplitOptions.RemoveEmptyEntries).Select(name => $"the field '{name}' is not used"),
            remarks.Groups.Where(group => group.Code == RemarkCode.UnusedField).Select(group => group.First[0].Text));
    }

    [Theory]
    [InlineData("[1]", "a list")]
    [InlineData("5", "a number")]
    [InlineData("true", "true or false")]
    [InlineData("\"[1]\"", "a list")]
    public void Read_KwargsThatAreNoObject_AreRefused(string kwargs, string given)
    {
        var refusal = Assert.Throws<RowException>(() => Read(kwargs));
        Assert.Equal($"the field 'chat_template_kwargs' is {given}; an object of variables for the chat template is expected", refusal.Message);
    }

    [Theory]
    [InlineData("null", null)]
    [InlineData("\"null\"", null)]
    [InlineData("{\"a\":1}", "{\"a\":1}")]
    [InlineData("\"{\\\"a\\\":1}\"", "{\"a\":1}")]
    public void Read_KwargsThatAreAnObjectOrNothing_AreTaken(string kwargs, string? taken)
        => Assert.Equal(taken, Assert.IsType<ChatRow>(Read(kwargs)).Kwargs?.GetRawText());

    private static DataRow Read(string kwargs) => new RowParser(DataFormat.Messages, ValueMap<string>.Empty, hasTemplate: true).Read(
        JsonElement.Parse($$"""{"messages":[{"role":"user","content":"a"}],"chat_template_kwargs":{{kwargs}}}"""), default, new RemarkTally());
}
