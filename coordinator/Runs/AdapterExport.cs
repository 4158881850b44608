using System.Globalization;
using System.Reflection;
using Orchestrator.Coordinator.Adapters;
using Orchestrator.Coordinator.Checkpoints;
using Orchestrator.Coordinator.Models;
using Orchestrator.Protos;
using Orchestrator.Protos.Blobs;

namespace Orchestrator.Coordinator.Runs;

/// <summary>Turns a checkpoint into an adapter folder.</summary>
/// <remarks>Runs on the thread pool. Every blob is checked against the manifest's digest before anything is written.</remarks>
internal static class AdapterExport
{
    /// <param name="material">The job's.</param>
    /// <param name="checkpoint">Its folder.</param>
    /// <param name="publish">Publishes a folder that it has filled.</param>
    /// <returns>Where the adapter stands.</returns>
    /// <exception cref="IOException">The folder cannot be written.</exception>
    /// <exception cref="BlobFormatException">A blob is damaged.</exception>
    /// <exception cref="InvalidInputException">The manifest is damaged.</exception>
    public static string Run(JobMaterial material, string checkpoint, Func<Action<string>, string> publish)
    {
        var manifest = ManifestFile.Read(checkpoint);
        var blobs = new List<BlobReader>();
        try
        {
            blobs.AddRange(manifest.Blobs.Select(blob => BlobReader.Open(Path.Combine(checkpoint, CheckpointFolders.FileOf(blob.Sha256)), blob.Sha256)));
            return publish(folder => PeftAdapterWriter.Write(
                folder,
                material.AdapterConfig,
                [.. material.Modules.SelectMany(module => Tensors(module, blobs))],
                Card(material),
                LineageOf(material, manifest),
                material.Spec.Model));
        }
        finally
        {
            blobs.ForEach(blob => blob.Dispose());
        }
    }

    private static IEnumerable<AdapterTensor> Tensors(AdapterModule module, List<BlobReader> blobs)
    {
        foreach (var isA in new[] { true, false })
        {
            var name = $"{module.Module}.{(isA ? "lora_A" : "lora_B")}.weight";
            var blob = blobs.Find(candidate => candidate.Contains(name))
                ?? throw new InvalidOperationException($"No blob of the checkpoint holds {name}: the checkpoint is of other modules than the job adapts.");
            var tensor = blob.Tensor(name);
            yield return new AdapterTensor(module.Module, isA, tensor.Dtype, [.. tensor.Shape], stream =>
            {
                using var source = blob.OpenStream(name);
                source.CopyTo(stream);
            });
        }
    }

    private static ModelCard Card(JobMaterial material)
    {
        var training = material.Spec.Training;
        return new ModelCard
        {
            Name = material.Spec.Name,
            BaseModel = material.Spec.Model,
            Lora = material.AdapterConfig.Lora,
            Facts =
            [
                new("Quantization of the base", material.Spec.Quantization.Type.ToString().ToLowerInvariant()),
                new("Optimizer", training.Optimizer.ToString().ToLowerInvariant()),
                new("Learning rate", training.LearningRate.ToString("R", CultureInfo.InvariantCulture)),
                new("Schedule", training.LrScheduler.ToString().ToLowerInvariant()),
                new("Global batch size", training.GlobalBatchSize.ToString(CultureInfo.InvariantCulture)),
                new("Steps", material.Steps.TotalSteps.ToString(CultureInfo.InvariantCulture)),
                new("Seed", training.Seed.ToString(CultureInfo.InvariantCulture)),
            ],
        };
    }

    private static Lineage LineageOf(JobMaterial material, CheckpointManifest manifest) => new()
    {
        Base = Source(material.Spec.Model, material.ModelHash),
        InitFrom = material.StartHash is { } start ? Source(material.Spec.Adapter.InitFrom!, start) : null,
        Data = [.. Data("train", material.Data.Train.Shard), .. material.Data.Eval is { } eval ? Data("eval", eval.Shard) : []],
        JobSha256 = material.JobHash,
        Step = manifest.Step,
        Versions = new SortedDictionary<string, string>(StringComparer.Ordinal)
        {
            ["orchestrator"] = typeof(AdapterExport).Assembly.GetCustomAttribute<AssemblyInformationalVersionAttribute>()?.InformationalVersion ?? "",
            ["libtorch"] = manifest.NumericClass.Libtorch,
            ["kernels"] = manifest.NumericClass.Kernels,
        },
        NumericClass = Placement.NumericClassText.Of(manifest.NumericClass),
        // Not proven on CUDA; and steps of two classes are those of neither.
        BitIdentical = manifest.NumericClass.Backend == "cpu" && !manifest.ClassChanged,
        Layouts = [.. manifest.Layouts.Select(layout => new LineageLayout(layout.Generation, layout.FirstStep, layout.LastStep, layout.Replicas, layout.Stages))],
    };

    private static LineageData[] Data(string split, ShardRef shard) => [new(split, shard.Sha256, shard.Samples, shard.Tokens)];

    private static LineageSource Source(string name, FilesHash hash) => new(name, hash.Sha256, hash.Files);
}
