using Orchestrator.Coordinator.Datasets;

namespace Orchestrator.Coordinator.Cli.Generate;

/// <summary>What was said so far, as a chat that a template takes.</summary>
internal static class Turns
{
    public static ChatRow Chat(IEnumerable<(string Role, string Content)> turns)
    {
        var list = new MessageListBuilder();
        foreach (var (role, content) in turns) list.Add(role, content);
        return new ChatRow { Messages = list.Build(), Roles = list.Roles, PromptMessages = list.Roles.Count };
    }
}
