using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;

namespace Orchestrator.Coordinator.Datasets;

/// <summary>Writes a list of messages for the chat template where a row has it in another form.</summary>
internal sealed class MessageListBuilder
{
    private readonly StringBuilder _json = new("[");
    private readonly List<string> _roles = [];

    public IReadOnlyList<string> Roles => _roles;

    public MessageListBuilder Add(string role, string content)
        => Add(role, $"\"{JavaScriptEncoder.UnsafeRelaxedJsonEscaping.Encode(content)}\"", []);

    /// <summary>Adds a message as it is.</summary>
    public MessageListBuilder Add(string role, JsonElement message)
    {
        Separate(role);
        _json.Append(message.GetRawText());
        return this;
    }

    /// <summary>Adds a message of JSON pieces.</summary>
    /// <param name="role">Its role.</param>
    /// <param name="rawContent">Its content as JSON.</param>
    /// <param name="others">Its other members.</param>
    public MessageListBuilder Add(string role, string rawContent, IEnumerable<JsonProperty> others)
    {
        Separate(role);
        _json.Append("{\"role\":\"").Append(role).Append("\",\"content\":").Append(rawContent);
        foreach (var member in others)
        {
            _json.Append(",\"").Append(JavaScriptEncoder.UnsafeRelaxedJsonEscaping.Encode(member.Name)).Append("\":").Append(member.Value.GetRawText());
        }

        _json.Append('}');
        return this;
    }

    /// <summary>The list; it owns its memory.</summary>
    public JsonElement Build() => JsonElement.Parse(_json.ToString() + "]", new JsonDocumentOptions { MaxDepth = JsonFault.MaxDepth + 2 });

    private void Separate(string role)
    {
        if (_roles.Count > 0)
        {
            _json.Append(',');
        }

        _roles.Add(role);
    }
}
