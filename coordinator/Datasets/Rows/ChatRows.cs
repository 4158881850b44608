using System.Text.Json;

namespace Orchestrator.Coordinator.Datasets;

/// <summary>Reads conversations: lists of messages, also in sharegpt's spelling.</summary>
internal static class ChatRows
{
    /// <summary>A row of messages; its completion is the last assistant turn, if it ends the conversation.</summary>
    public static ChatRow OfMessages(RowObject row, FieldNames names)
    {
        var (messages, roles) = Messages(row.List("messages"), names, 0);
        return messages.GetArrayLength() > 0 ? Row(row, messages, roles, CompletionStart(roles)) : throw new RowException("the row has no messages");
    }

    /// <summary>A row of sharegpt: <c>{"conversations": [{"from", "value"}]}</c>, with an optional system text beside it.</summary>
    public static ChatRow OfSharegpt(RowObject row, FieldNames names)
    {
        var turns = row.List("conversations");
        var list = new MessageListBuilder();
        if (row.OptionalText("system") is { Length: > 0 } system)
        {
            list.Add(ChatRoles.System, system);
        }

        var number = 0;
        foreach (var turn in turns.EnumerateArray())
        {
            number++;
            var fields = RowObject.Of(turn, names, $"turn {number}", $"turn {number}: ");
            var role = ChatRoles.OfSharegpt(fields.Text("from"), number);
            fields.Text("value");
            var others = turn.EnumerateObject().Where(member => !member.NameEquals(names["from"]) && !member.NameEquals(names["value"]) && member.Name is not ("role" or "content"));
            list.Add(role, fields.Require("value", "a text").GetRawText(), others);
        }

        return number > 0 ? Row(row, list.Build(), list.Roles, CompletionStart(list.Roles)) : throw new RowException("the row has no messages");
    }

    /// <summary>A row of prompt/completion whose two fields are lists of messages.</summary>
    public static ChatRow OfPromptCompletion(RowObject row, FieldNames names)
    {
        var (prompt, promptRoles) = Messages(row.List("prompt"), names, 0);
        var (completion, completionRoles) = Messages(row.List("completion"), names, promptRoles.Count);
        if (promptRoles.Count == 0 || completionRoles.Count == 0)
        {
            throw new RowException($"the field '{row.NameOf(promptRoles.Count == 0 ? "prompt" : "completion")}' has no messages");
        }

        var list = new MessageListBuilder();
        foreach (var (message, role) in prompt.EnumerateArray().Zip(promptRoles).Concat(completion.EnumerateArray().Zip(completionRoles)))
        {
            list.Add(role, message);
        }

        return Row(row, list.Build(), list.Roles, promptRoles.Count);
    }

    /// <summary>One exchange as a conversation.</summary>
    public static ChatRow Exchange(string? system, string user, string assistant)
    {
        var list = new MessageListBuilder();
        if (!string.IsNullOrEmpty(system))
        {
            list.Add(ChatRoles.System, system);
        }

        list.Add(ChatRoles.User, user).Add(ChatRoles.Assistant, assistant);
        return new ChatRow { Messages = list.Build(), Roles = list.Roles, PromptMessages = list.Roles.Count - 1 };
    }

    private static ChatRow Row(RowObject row, JsonElement messages, IReadOnlyList<string> roles, int promptMessages) => new()
    {
        Messages = messages,
        Roles = roles,
        PromptMessages = promptMessages,
        Tools = JsonOf(row, "tools"),
        Documents = JsonOf(row, "documents"),
        Kwargs = KwargsOf(row),
    };

    private static int CompletionStart(IReadOnlyList<string> roles) => roles[^1] == ChatRoles.Assistant ? roles.Count - 1 : roles.Count;

    private static JsonElement? KwargsOf(RowObject row) => JsonOf(row, "chat_template_kwargs") switch
    {
        null or { ValueKind: JsonValueKind.Null } => null,
        { ValueKind: JsonValueKind.Object } kwargs => kwargs,
        { } other => throw row.Wrong("chat_template_kwargs", other, "an object of variables for the chat template"),
    };

    // Datasets in columns keep nested values as JSON in a text.
    private static JsonElement? JsonOf(RowObject row, string field)
    {
        if (row.Find(field) is not { } value)
        {
            return null;
        }

        if (value.ValueKind != JsonValueKind.String)
        {
            return value;
        }

        try
        {
            return JsonElement.Parse(value.GetString()!, new JsonDocumentOptions { MaxDepth = JsonFault.MaxDepth });
        }
        catch (JsonException exception)
        {
            throw new RowException($"the text in the field '{row.NameOf(field)}' is not valid JSON", inner: exception);
        }
    }

    /// <summary>Checks messages; gives them in the template's keys.</summary>
    private static (JsonElement Messages, IReadOnlyList<string> Roles) Messages(JsonElement list, FieldNames names, int before)
    {
        var roles = new List<string>(list.GetArrayLength());
        var isRenamed = names["role"] != "role" || names["content"] != "content";
        var renamed = isRenamed ? new MessageListBuilder() : null;
        foreach (var message in list.EnumerateArray())
        {
            var number = before + roles.Count + 1;
            var fields = RowObject.Of(message, names, $"message {number}", $"message {number}: ");
            var role = ChatRoles.OfMessage(fields.Text("role"), number);
            CheckContent(fields, role);
            roles.Add(role);
            renamed?.Add(
                role,
                fields.Find("content")?.GetRawText() ?? "null",
                message.EnumerateObject().Where(member => !member.NameEquals(names["role"]) && !member.NameEquals(names["content"]) && member.Name is not ("role" or "content")));
        }

        return (renamed?.Build() ?? list, roles);
    }

    private static void CheckContent(RowObject message, string role)
    {
        // A turn that only calls tools says nothing.
        if (role == ChatRoles.Assistant && message.Find("content") is null && message.Element.TryGetProperty("tool_calls", out _))
        {
            return;
        }

        var content = message.Require("content", "a text");
        if (content.ValueKind is not (JsonValueKind.String or JsonValueKind.Array or JsonValueKind.Object))
        {
            throw message.Wrong("content", content, "a text");
        }
    }
}
