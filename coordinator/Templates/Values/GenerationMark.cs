namespace Orchestrator.Coordinator.Templates.Values;

/// <summary>Where the text of one executed generation block lies inside a text (UTF-16 units, half open).</summary>
internal readonly record struct GenerationMark(int Block, int Start, int End);
