using System.Text.Json.Nodes;
using Orchestrator.Coordinator.Adapters;
using Orchestrator.Coordinator.Jobs;
using Orchestrator.Coordinator.Models;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Cli.Score;

/// <summary>A <c>score</c> whose model, adapter and options were read and checked; the options as a job's settings, so that they mean what they mean in a job file.</summary>
internal sealed record ScoreInput(JobSpec Job, ModelFolder Model, IReadOnlyList<AdapterModule> Modules)
{
    private static readonly string[] Sections = ["quantization.", "data.", "resources."];

    /// <exception cref="InvalidInputException">An option, the model or the adapter is wrong.</exception>
    public static ScoreInput Read(ScoreOptions options, string currentFolder)
    {
        if (options.Sets.FirstOrDefault(set => !Sections.Any(section => set.StartsWith(section, StringComparison.Ordinal))) is { } foreign)
            throw new InvalidInputException($"--set {foreign}: score takes keys of {string.Join(", ", Sections.Select(section => section.TrimEnd('.')))}.");
        var document = new JsonObject
        {
            ["name"] = "score",
            ["model"] = Path.GetFullPath(options.Model, currentFolder),
            ["quantization"] = new JsonObject { ["type"] = options.Quantization, ["compute_dtype"] = options.ComputeDtype },
            ["data"] = new JsonObject { ["train"] = Path.GetFullPath(options.Data, currentFolder), ["format"] = "tokens" },
        };
        var parsed = JobFile.Parse(document.ToJsonString(), "command line", currentFolder, options.Sets, currentFolder);
        if (parsed.Spec is not { } job) throw new InvalidInputException(string.Join(' ', parsed.Errors));
        var model = ModelFolder.Open(job.Model);
        IReadOnlyList<AdapterModule> modules = options.Adapter is { } adapter ? PeftAdapter.Read(Path.GetFullPath(adapter, currentFolder)).Bind(model.Spec) : [];
        return new ScoreInput(job, model, modules);
    }
}
