namespace Orchestrator.Coordinator.Datasets;

/// <summary>Data whose rows are well-formed and which nothing could be learned from.</summary>
/// <param name="code">A stable code for scripts.</param>
/// <param name="message">The sentence.</param>
internal sealed class DataRefusedException(string code, string message) : InvalidInputException(message)
{
    public const string NoLabelToken = "no-label-token";
    public const string NoSample = "no-sample";

    public string Code => code;
}
