namespace Orchestrator.Coordinator.Jobs;

/// <summary>Reads job files: YAML or JSON, every error at once with its line and column.</summary>
internal static class JobFile
{
    /// <summary>Parses a document and the overrides of the command line.</summary>
    /// <param name="text">The document; untrusted.</param>
    /// <param name="documentName">Its name for messages, usually the file's.</param>
    /// <param name="baseFolder">Relative paths of the document are relative to this.</param>
    /// <param name="sets"><c>key=value</c> overrides with YAML values; later ones win.</param>
    /// <param name="currentFolder">Relative paths of the overrides are relative to this.</param>
    /// <remarks>Pure: touches no file. Never throws on any input.</remarks>
    public static JobFileResult Parse(string text, string documentName, string baseFolder, IReadOnlyList<string> sets, string currentFolder)
        => throw new NotSupportedException();
}
