namespace Orchestrator.Coordinator.Templates.Syntax;

/// <summary>Statements with variables of their own: what Jinja's compiler calls a frame.</summary>
internal sealed record FrameBody(IReadOnlyList<Statement> Statements)
{
    /// <summary>Names that are the frame's own and have no value when it begins: until they are set they hide what is around; null: none. Set once, by <see cref="FrameNames"/>.</summary>
    public IReadOnlySet<string>? Unset { get; set; }
}
