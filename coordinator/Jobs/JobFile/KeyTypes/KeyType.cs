using System.Text.Json.Nodes;

namespace Orchestrator.Coordinator.Jobs;

/// <summary>What a key of the job file may hold: how it is read, written and described to others.</summary>
/// <remarks>Values are compared with Equals, so that a value can be told from the default.</remarks>
internal abstract class KeyType
{
    /// <summary>What is expected, to follow "must be".</summary>
    public abstract string Expected { get; }

    /// <summary>Reads a node; reports to the context what is wrong.</summary>
    public abstract object? Read(YamlNode node, KeyContext context);

    /// <summary>The value as YAML on one line.</summary>
    public virtual string Write(object? value) => YamlText.Write(value);

    /// <summary>The same as JSON Schema.</summary>
    public abstract JsonObject Schema();
}
