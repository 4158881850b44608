namespace Orchestrator.Coordinator.Templates;

/// <summary>A chat template that cannot be parsed or that refused its messages.</summary>
/// <remarks>
/// <see cref="Reason"/> is what Jinja would say, word for word, and what the template passed to raise_exception;
/// <see cref="Message"/> is a sentence of it with document, line and column (both from 1), shortened where it is long.
/// </remarks>
internal sealed class TemplateException(TemplateErrorKind kind, string reason) : InvalidInputException(reason)
{
    private const int MaxShown = 2000;

    public TemplateErrorKind Kind { get; } = kind;

    public string Reason { get; } = reason;

    public string? Document { get; private set; }

    public int Line { get; private set; }

    public int Column { get; private set; }

    public override string Message
    {
        get
        {
            var shown = Reason.Length <= MaxShown ? Reason : Reason[..MaxShown] + "\u2026";
            return Document is null ? $"{shown.TrimEnd('.')}." : $"{shown.TrimEnd('.')} ({Document}, line {Line}, column {Column}).";
        }
    }

    /// <summary>Says where, unless a deeper call has said so already.</summary>
    public TemplateException At(string document, int line, int column)
    {
        if (Document is null)
        {
            (Document, Line, Column) = (document, line, column);
        }

        return this;
    }
}
