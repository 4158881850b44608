using System.Text.Json.Nodes;
using Orchestrator.Coordinator.Adapters;
using Orchestrator.Coordinator.Jobs;
using Orchestrator.Coordinator.Models;
using Orchestrator.Coordinator.Runs;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Cli.WholeModel;

/// <summary>A model, adapter and options that were read and checked; the options as a job's settings, so that they mean what they mean in a job file.</summary>
internal sealed record WholeModelInput(JobSpec Job, ModelFolder Model, SkipModules Skip, IReadOnlyList<AdapterModule> Modules)
{
    /// <summary>Reads what a command was asked for.</summary>
    /// <param name="options">The options.</param>
    /// <param name="keys">The command's name, and the keys of a job that it takes.</param>
    /// <param name="data">The job's data section.</param>
    /// <param name="currentFolder">What relative paths are relative to.</param>
    /// <exception cref="InvalidInputException">An option, the model or the adapter is wrong.</exception>
    public static WholeModelInput Read(WholeModelOptions options, WholeModelKeys keys, JsonObject data, string currentFolder)
    {
        keys.Check(options.Sets);
        var document = new JsonObject
        {
            ["name"] = keys.Command,
            ["model"] = Path.GetFullPath(options.Model, currentFolder),
            ["quantization"] = new JsonObject { ["type"] = options.Quantization, ["compute_dtype"] = options.ComputeDtype },
            ["data"] = data,
        };
        var parsed = JobFile.Parse(document.ToJsonString(), "command line", currentFolder, options.Sets, currentFolder);
        if (parsed.Spec is not { } job)
        {
            throw new InvalidInputException(string.Join(' ', parsed.Errors));
        }

        var folder = ModelFolder.Open(job.Model);
        IReadOnlyList<AdapterModule> modules = options.Adapter is { } adapter ? PeftAdapter.Read(Path.GetFullPath(adapter, currentFolder)).Bind(folder.Spec) : [];
        return new WholeModelInput(job, folder, SkipModules.Resolve(folder.Spec, job.Quantization.SkipModules), modules);
    }

    /// <summary>What the worker is told to hold: the whole model as one stage, without gradients.</summary>
    /// <param name="computeDtype">What it computes in.</param>
    /// <param name="maxTokens">Tokens of the largest pass.</param>
    public StageSpec Stage(DType computeDtype, int maxTokens)
    {
        var stage = new StageSpec
        {
            Model = Model.Spec,
            Place = new Place(),
            NumReplicas = 1,
            NumStages = 1,
            FirstLayer = 0,
            LastLayer = Model.Spec.NumLayers - 1,
            Embedding = true,
            Head = true,
            Quantization = StageSpecs.Quantization(Job.Quantization),
            Optimizer = new OptimizerSpec(),
            Constants = StageSpecs.Constants(computeDtype, Job.Training),
            MaxMicroBatchTokens = (uint)maxTokens,
            Training = false,
        };
        stage.Base.Add(Model.AllSlices(Job.Quantization.Type != QuantizationType.None, Skip));
        stage.Adapter.Add(Modules);
        return stage;
    }
}
