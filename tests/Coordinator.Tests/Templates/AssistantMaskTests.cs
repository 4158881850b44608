using System.Text.Json;
using Orchestrator.Coordinator.Templates;
using Orchestrator.Coordinator.Tests.Tokenizers;
using Orchestrator.Coordinator.Tokenizers;

namespace Orchestrator.Coordinator.Tests.Templates;

/// <summary>The masks that transformers makes with the llama3 tokenizer, and what is done where its masks are wrong.</summary>
public sealed class AssistantMaskTests
{
    private static readonly Lazy<Tokenizer> Llama3 = new(() => GoldenTokenizers.Open("llama3"));

    public static TheoryData<string> Templates { get; } = new(TemplateFixtures.Names.Where(n => TemplateFixtures.Meta(n).GetProperty("masks").GetInt32() > 0));

    /// <summary>What the bugs of transformers get wrong: the line of generation_edge.jsonl and the right mask; null where the block's place is lost.</summary>
    public static TheoryData<string, string?> Corrections { get; } = new()
    {
        { "inside a macro: the span is wrong", "0001110" },
        { "inside a set block: the span is wrong", "00000111" },
        { "inside a filter block: the span is wrong", null },
        { "empty block", "000000" },
        { "block at the very start: the mask covers everything", "100000" },
        { "nested", "11000" },
    };

    [Theory]
    [MemberData(nameof(Templates))]
    public void Mask_OfEveryGoldenChat_IsThatOfTransformers(string template)
    {
        var masks = 0;
        var wrong = new List<string>();
        foreach (var golden in TemplateFixtures.Lines($"{template}/cases.jsonl.gz").Where(c => c.TryGetProperty("mask", out _)))
        {
            var mask = golden.GetProperty("mask");
            var chat = ChatTemplate.Parse(TemplateFixtures.Source(template), template).Render(TemplateFixtures.Input(template, golden));
            var encoding = Llama3.Value.Encode(chat.Text, addSpecialTokens: false);
            Assert.Equal(mask.GetProperty("ids").EnumerateArray().Select(id => id.GetInt32()), encoding.Ids);
            var actual = Digits(AssistantMask.Of(chat, encoding));
            if (mask.GetProperty("assistant_mask").GetString() != actual)
            {
                wrong.Add($"{golden.GetProperty("conversation")} {golden.GetProperty("kwargs")}\n  {actual}\n  {mask.GetProperty("assistant_mask")}\n  {chat.Text}");
            }

            masks++;
        }

        Assert.True(wrong.Count == 0, string.Join('\n', wrong));
        Assert.Equal(TemplateFixtures.Meta(template).GetProperty("masks").GetInt32(), masks);
    }

    [Fact]
    public void Mask_OfEdges_IsThatOfTransformersWhereItIsRight()
    {
        var corrected = Corrections.Select(row => row.Data.Item1).ToHashSet(StringComparer.Ordinal);
        var edges = Edges().Where(edge => !corrected.Contains(edge.GetProperty("what").GetString()!)).ToList();
        Assert.Equal(8, edges.Count);
        Assert.All(edges, edge =>
        {
            var chat = Render(edge);
            Assert.Equal(edge.GetProperty("expected").GetString(), chat.Text);
            Assert.Equal(edge.GetProperty("mask").GetProperty("assistant_mask").GetString(), Digits(AssistantMask.Of(chat, Llama3.Value.Encode(chat.Text, addSpecialTokens: false))));
        });
    }

    [Theory]
    [MemberData(nameof(Corrections))]
    public void Mask_WhereTransformersIsWrong_IsRightOrRefused(string what, string? expected)
    {
        var edge = Edges().Single(e => e.GetProperty("what").GetString() == what);
        var chat = Render(edge);
        var encoding = Llama3.Value.Encode(chat.Text, addSpecialTokens: false);
        Assert.Equal(edge.GetProperty("expected").GetString(), chat.Text);
        if (expected is not null)
        {
            Assert.Equal(expected, Digits(AssistantMask.Of(chat, encoding)));
            return;
        }

        Assert.Equal(1, chat.LostGenerations);
        Assert.Contains("generation", Assert.Throws<InvalidInputException>(() => AssistantMask.Of(chat, encoding)).Message, StringComparison.Ordinal);
    }

    /// <summary>transformers asks for the token of the block's last character and is told the first one.</summary>
    [Fact]
    public void Mask_OfABlockThatEndsWithACharacterOfSeveralTokens_EndsWithItsFirstToken()
    {
        var chat = ChatTemplate.Parse("{% for m in messages %}{% generation %}{{ m.content }}{% endgeneration %}!{% endfor %}", "edge")
            .Render(new ChatInput { Messages = JsonElement.Parse("""[{"content": "🦩🦩"}, {"content": "🦩b"}]"""), Clock = TemplateFixtures.Clock });
        var encoding = Llama3.Value.Encode(chat.Text, addSpecialTokens: false);
        Assert.Equal("🦩🦩!🦩b!", chat.Text);
        Assert.Equal([(0, 2), (0, 2), (0, 2), (2, 4), (2, 4), (2, 4), (4, 5), (5, 7), (5, 7), (5, 7), (7, 8), (8, 9)], encoding.Utf16Offsets);
        Assert.Equal("111100011110", Digits(AssistantMask.Of(chat, encoding)));
    }

    /// <summary>Of nested blocks the outer one counts, also where both begin at the same place.</summary>
    [Fact]
    public void Generations_OfABlockThatBeginsWithAnother_AreTheOuterOne()
    {
        var chat = ChatTemplate.Parse("{% generation %}{% generation %}a{% endgeneration %}b{% endgeneration %}c", "edge")
            .Render(new ChatInput { Messages = JsonElement.Parse("""[{"role": "user", "content": ""}]"""), Clock = TemplateFixtures.Clock });
        Assert.Equal(("abc", 0), (chat.Text, chat.LostGenerations));
        Assert.Equal([(0, 2)], chat.Generations);
    }

    /// <summary>transformers asks for the token of the second block's first character and is told the one that straddles.</summary>
    [Fact]
    public void Mask_OfABlockWhoseOnlyCharacterBeginsInTheTokenBefore_IsThatTokenAlone()
    {
        var chat = ChatTemplate.Parse("a{% generation %} {% endgeneration %}{% generation %}🦩{% endgeneration %}!", "edge")
            .Render(new ChatInput { Messages = JsonElement.Parse("""[{"role": "user", "content": ""}]"""), Clock = TemplateFixtures.Clock });
        var encoding = Llama3.Value.Encode(chat.Text, addSpecialTokens: false);
        Assert.Equal([(1, 2), (2, 4)], chat.Generations);
        Assert.Equal([(0, 1), (1, 4), (2, 4), (2, 4), (4, 5)], encoding.Utf16Offsets);
        Assert.Equal("01000", Digits(AssistantMask.Of(chat, encoding)));
    }

    private static List<JsonElement> Edges() =>
        [.. File.ReadAllText(Fixtures.At("templates", "generation_edge.jsonl")).Split('\n', StringSplitOptions.RemoveEmptyEntries).Select(line => JsonElement.Parse(line))];

    private static RenderedChat Render(JsonElement edge) => ChatTemplate.Parse(edge.GetProperty("template").GetString()!, "edge")
        .Render(new ChatInput { Messages = edge.GetProperty("messages"), Clock = TemplateFixtures.Clock });

    private static string Digits(bool[] mask) => string.Concat(mask.Select(m => m ? '1' : '0'));
}
