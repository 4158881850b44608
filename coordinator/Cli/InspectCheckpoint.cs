using System.Text.Json.Nodes;
using Orchestrator.Coordinator.Checkpoints;
using Orchestrator.Coordinator.Placement;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Cli;

/// <summary>Facts of a checkpoint folder: the step, what it was computed on, each layer's blob with its size, and whether all of it is what was written.</summary>
internal static class InspectCheckpoint
{
    /// <exception cref="InvalidInputException">The folder is no checkpoint: it has no manifest, or a damaged one.</exception>
    public static JsonObject Folder(string path)
    {
        if (!File.Exists(Path.Combine(path, ManifestFile.Name)))
        {
            throw new InvalidInputException($"{path} is no checkpoint: it has no {ManifestFile.Name}, which is written last, so the run ended before it was complete.");
        }

        var manifest = ManifestFile.Read(path);
        var damages = manifest.Blobs.Select(blob => CheckpointStore.Damage(path, blob)).ToList();
        var layout = manifest.Layouts.Count > 0 ? manifest.Layouts[^1] : null;
        return new JsonObject
        {
            ["kind"] = "checkpoint",
            ["path"] = path,
            ["step"] = manifest.Step,
            ["epoch"] = manifest.Epoch,
            ["samples_taken"] = manifest.SamplesTaken,
            ["time"] = manifest.Time.ToDateTimeOffset().ToString("yyyy-MM-ddTHH:mm:ss.fffZ", System.Globalization.CultureInfo.InvariantCulture),
            ["job"] = manifest.Job,
            ["job_hash"] = manifest.JobHash,
            ["numeric_class"] = NumericClassText.Of(manifest.NumericClass),
            ["class_changed"] = manifest.ClassChanged,
            ["compute_dtype"] = manifest.ComputeDtype == DType.Bf16 ? "bfloat16" : "float32",
            ["layout"] = layout is null ? null : $"{layout.Replicas} x {layout.Stages} (replicas x stages)",
            ["fence"] = manifest.Fence,
            ["best_eval_loss"] = manifest.BestEvaluation is { } best && double.IsFinite(best.Loss) ? best.Loss : null,
            ["bytes"] = manifest.Blobs.Aggregate(0UL, (sum, blob) => sum + blob.Bytes),
            ["complete"] = damages.TrueForAll(damage => damage is null),
            ["blobs"] = new JsonArray([.. manifest.Blobs.Zip(damages, Blob)]),
        };
    }

    private static JsonNode Blob(StateBlob blob, string? damage) => new JsonObject
    {
        ["layer"] = blob.Layer,
        ["bytes"] = blob.Bytes,
        ["sha256"] = blob.Sha256,
        ["check"] = damage ?? "ok",
    };
}
