using Orchestrator.Coordinator.Templates.Values;

namespace Orchestrator.Coordinator.Templates.Evaluation;

/// <summary>What a call passes.</summary>
internal sealed record Arguments(IReadOnlyList<Value> Positional, IReadOnlyList<KeyValuePair<string, Value>> Named);
