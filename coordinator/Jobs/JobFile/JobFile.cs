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
    /// <remarks>Pure: touches no file. Never throws on any document or override.</remarks>
    public static JobFileResult Parse(string text, string documentName, string baseFolder, IReadOnlyList<string> sets, string currentFolder) =>
        Parse(text, documentName, baseFolder, sets, currentFolder, JobRules.Check);

    /// <summary>The same for a job that is to run on this machine: what it names must be there too, and all that is not is told at once with the other errors.</summary>
    public static JobFileResult ParseWithPaths(string text, string documentName, string baseFolder, IReadOnlyList<string> sets, string currentFolder) =>
        Parse(text, documentName, baseFolder, sets, currentFolder, (values, errors) =>
        {
            JobRules.Check(values, errors);
            JobPaths.Check(values, errors);
        });

    private static JobFileResult Parse(
        string text, string documentName, string baseFolder, IReadOnlyList<string> sets, string currentFolder, Action<JobValues, JobFileErrors> check)
    {
        var errors = new JobFileErrors();
        var source = new YamlSource(Sentence.Clean(documentName, 500), baseFolder, 0);
        if (RootOf(text, source, errors) is not { } root)
        {
            return new JobFileResult(null, errors.ToSentences(), "");
        }

        for (var i = 0; i < sets.Count; i++)
        {
            JobOverrides.Apply(root, sets[i], new YamlSource($"--set {Sentence.Clean(sets[i], 120)}", currentFolder, i + 1), errors);
        }

        var values = JobValues.Read(root, errors);
        check(values, errors);
        if (errors.Count > 0)
        {
            return new JobFileResult(null, errors.ToSentences(), "");
        }

        values.Complete(documentName, baseFolder);
        return new JobFileResult(JobSpecBuilder.Build(values), [], ResolvedDocument.Write(values));
    }

    private static YamlMapping? RootOf(string text, YamlSource source, JobFileErrors errors)
    {
        var root = YamlDocumentReader.Read(text, source, errors);
        if (errors.Count == 0 && root is not YamlMapping)
        {
            errors.Add(
                root?.Place ?? new YamlPlace(source, 1, 1),
                root is null or YamlScalar { IsNull: true } ? "the document is empty; a job file needs at least model and data.train" : $"a job file is a mapping of keys, not {root.Describe()}");
        }

        return root as YamlMapping;
    }
}
