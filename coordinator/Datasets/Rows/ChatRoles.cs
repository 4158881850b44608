using Orchestrator.Coordinator.Jobs;

namespace Orchestrator.Coordinator.Datasets;

/// <summary>Who speaks: the roles that chat templates know, and other formats' names of them.</summary>
internal static class ChatRoles
{
    public const string System = "system";
    public const string User = "user";
    public const string Assistant = "assistant";

    private static readonly string[] Known = [System, User, Assistant, "tool", "developer", "function", "ipython"];

    private static readonly Dictionary<string, string> Sharegpt = new(StringComparer.Ordinal)
    {
        ["system"] = System,
        ["human"] = User,
        ["user"] = User,
        ["gpt"] = Assistant,
        ["assistant"] = Assistant,
        ["chatgpt"] = Assistant,
        ["model"] = Assistant,
        ["bot"] = Assistant,
        ["tool"] = "tool",
        ["function_response"] = "tool",
        ["observation"] = "tool",
    };

    /// <summary>Checks the role of a message.</summary>
    /// <exception cref="RowException">No template knows it.</exception>
    public static string OfMessage(string role, int number)
    {
        if (Known.Contains(role, StringComparer.Ordinal))
        {
            return role;
        }

        throw new RowException(Sharegpt.TryGetValue(role, out var meant)
            ? $"message {number} has the role {Sentence.Quote(role)}, a sharegpt name of {meant}; roles of messages are system, user, assistant and tool"
            : $"message {number} has the role {Sentence.Quote(role)}, which is not known; roles are system, user, assistant and tool");
    }

    /// <summary>The role that a sharegpt name means.</summary>
    /// <exception cref="RowException">It is not known.</exception>
    public static string OfSharegpt(string name, int number) => Sharegpt.TryGetValue(name, out var role)
        ? role
        : throw new RowException($"message {number} is from {Sentence.Quote(name)}, which is not known; known are system, human, gpt, tool and their like");
}
