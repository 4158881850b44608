namespace Orchestrator.Coordinator.Jobs;

/// <summary>Reads one key: collects what is wrong with it.</summary>
internal sealed class KeyContext(JobFileErrors errors, string path, string expected)
{
    /// <summary>The key's dotted path.</summary>
    public string Key => path;

    /// <summary>True once anything was wrong.</summary>
    public bool Failed { get; private set; }

    /// <summary>The node is not what the key must be.</summary>
    public object? Wrong(YamlNode node) => Wrong(node, $"{path} must be {expected}, not {node.Describe()}");

    public object? Wrong(YamlNode node, string message)
    {
        errors.Add(node.Place, message);
        Failed = true;
        return null;
    }

    /// <summary>An absolute path: relative ones are relative to the folder of the source that the node stands in.</summary>
    public string? Path(YamlNode node)
    {
        if (node is not YamlScalar { IsNull: false } scalar || scalar.Text.Length == 0 || scalar.Text.Contains('\0', StringComparison.Ordinal))
        {
            Wrong(node);
            return null;
        }

        var absolute = System.IO.Path.GetFullPath(System.IO.Path.Combine(node.Place.Source.Folder, scalar.Text));
        return absolute.Length > 1 ? absolute.TrimEnd(System.IO.Path.DirectorySeparatorChar) : absolute;
    }
}
