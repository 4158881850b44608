namespace Orchestrator.Coordinator.Templates.Text;

/// <summary>json.dumps' options.</summary>
/// <param name="AsciiOnly">Whether other characters are escaped.</param>
/// <param name="Indent">One level of indentation; null for one line.</param>
/// <param name="ItemSeparator">Between elements.</param>
/// <param name="KeySeparator">Between key and value.</param>
/// <param name="SortKeys">Whether keys are sorted.</param>
internal sealed record JsonStyle(bool AsciiOnly, string? Indent, string ItemSeparator, string KeySeparator, bool SortKeys);
