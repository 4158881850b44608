namespace Orchestrator.Coordinator.Templates.Syntax;

/// <summary>A template's tree and its blocks by name.</summary>
internal sealed record ParsedTemplate(string Document, FrameBody Body, IReadOnlyDictionary<string, BlockStatement> Blocks);
