namespace Orchestrator.Coordinator.Jobs;

/// <summary>Whether the files and folders that a job names are there, each told at its own place.</summary>
/// <remarks>Looks at the file system. What they hold is the business of those who read them.</remarks>
internal static class JobPaths
{
    private const int MaxShown = 500;

    private static readonly (string Key, string Kind)[] Folders = [("model", "a model folder"), ("adapter.init_from", "an adapter folder")];

    private static readonly (string Key, string Kind)[] Files = [("data.train", "a data file"), ("data.eval", "a data file"), ("data.chat_template", "a .jinja file")];

    public static void Check(JobValues values, JobFileErrors errors)
    {
        foreach (var (key, kind) in Folders)
        {
            CheckEach(values, key, path => Directory.Exists(path) ? null : File.Exists(path) ? $"is a file; give {kind}" : $"does not exist; give the path of {kind}, for nothing is downloaded", errors);
        }

        foreach (var (key, kind) in Files)
        {
            CheckEach(values, key, path => Directory.Exists(path) ? $"is a folder; give {kind}" : File.Exists(path) ? null : $"does not exist; give the path of {kind}", errors);
        }
    }

    private static void CheckEach(JobValues values, string key, Func<string, string?> whyWrong, JobFileErrors errors)
    {
        foreach (var (node, path) in values.PathsOf(key))
        {
            if (whyWrong(path) is { } wrong)
            {
                var isRelative = node is YamlScalar scalar && !Path.IsPathRooted(scalar.Text);
                var hint = !isRelative ? "" : node.Place.Source.Order == 0 ? " (relative paths are relative to the job file)" : " (relative paths are relative to the current folder)";
                errors.Add(node.Place, $"{key}: '{Sentence.Clean(path, MaxShown)}' {wrong}{hint}");
            }
        }
    }
}
