using System.Text.Json;
using Orchestrator.Coordinator.Datasets;
using Orchestrator.Coordinator.Templates;

namespace Orchestrator.Coordinator.Tests.Datasets;

/// <summary>Templates without marks: every assistant turn with what ends it, without the white space after.</summary>
public sealed class AssistantSpansTests
{
    private const string ChatMl = "{% for m in messages %}{{ '<|im_start|>' + m.role + '\\n' + m.content | trim + '<|im_end|>' + '\\n' }}{% endfor %}{% if add_generation_prompt %}{{ '<|im_start|>assistant\\n' }}{% endif %}";
    private const string NoPrompt = "{% for m in messages %}{% if m.role == 'user' %}[INST] {{ m.content }} [/INST]{% else %} {{ m.content }}</s>{% endif %}{% endfor %}";
    private const string Thinks = "{% for m in messages %}<{{ m.role }}>{% if m.role == 'assistant' and loop.last %}<think></think>{% endif %}{{ m.content }}<end>\n{% endfor %}{% if add_generation_prompt %}<assistant><think>{% endif %}";
    private const string Strict = "{% if messages[-1].role == 'system' or messages | length == 1 %}{{ raise_exception('no') }}{% endif %}{% for m in messages %}{{ m.role }}: {{ m.content }}<end>\n{% endfor %}";

    [Theory]
    [InlineData(ChatMl, "user:Hi|assistant: Hello |user:Hello|assistant:Bye", "Hello<|im_end|>", "Bye<|im_end|>")]
    [InlineData(ChatMl, "assistant:Hello|user:Hi", "Hello<|im_end|>")]
    [InlineData(ChatMl, "user:Hi|assistant:", "<|im_end|>")]
    [InlineData(ChatMl, "user:Hi")]
    [InlineData(NoPrompt, "user:Paris.|assistant:Paris.|user:Paris.|assistant:Paris.", " Paris.</s>", " Paris.</s>")]
    [InlineData(Thinks, "user:one|assistant:one|user:two|assistant:two", "one<end>", "</think>two<end>")]
    [InlineData(Strict, "user:b|assistant:b|user:b|assistant:e", "b<end>", "assistant: e<end>")]
    [InlineData(ChatMl, "user:x|assistant:  \n", "<|im_end|>")]
    public void Find_TemplateWithoutMarks_FindsTheTurns(string template, string turns, params string[] expected)
        => Assert.Equal(expected, Find(template, turns));

    [Fact]
    public void Find_TurnThatTheTemplateHides_IsRefused()
    {
        var fault = Assert.Throws<RowException>(() => Find("{% for m in messages %}{{ m.role }}: {{ m.content | upper if not loop.last else m.content }}\n{% endfor %}", "user:a|assistant:bc|user:d|assistant:e"));
        Assert.StartsWith("message 2, an assistant turn, cannot be found", fault.Message, StringComparison.Ordinal);
    }

    private static IEnumerable<string> Find(string template, string turns)
    {
        var parsed = ChatTemplate.Parse(template, "template");
        var list = new MessageListBuilder();
        foreach (var turn in turns.Split('|'))
        {
            var (role, content) = (turn[..turn.IndexOf(':', StringComparison.Ordinal)], turn[(turn.IndexOf(':', StringComparison.Ordinal) + 1)..]);
            list.Add(role, content);
        }

        string Render(JsonElement messages, bool prompt) => parsed.Render(new ChatInput { Messages = messages, Clock = default, AddGenerationPrompt = prompt }).Text;
        var chat = new ChatRow { Messages = list.Build(), Roles = list.Roles, PromptMessages = 0 };
        var text = Render(chat.Messages, false);
        return [.. new AssistantSpans(chat, Render, text).Find().Select(span => text[span.Start..span.End])];
    }
}
