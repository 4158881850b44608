namespace Orchestrator.Coordinator.Templates;

/// <summary>The text of a chat and the places of what stood in <c>{% generation %}</c>.</summary>
/// <param name="Text">The rendered text.</param>
/// <param name="Generations">Half-open spans in UTF-16 units of <paramref name="Text"/>, in order, without overlap; a nested block is part of the outer one.</param>
/// <param name="LostGenerations">
/// How many blocks have text whose place is not known, because a filter or a method changed what a macro, a set or a filter block had made.
/// Above 0 no mask can be made from <paramref name="Generations"/>.
/// </param>
internal sealed record RenderedChat(string Text, IReadOnlyList<(int Start, int End)> Generations, int LostGenerations);
