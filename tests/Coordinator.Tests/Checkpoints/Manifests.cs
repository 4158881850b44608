using Google.Protobuf.WellKnownTypes;
using Orchestrator.Coordinator.Checkpoints;
using Orchestrator.Coordinator.Storage;
using Orchestrator.Coordinator.Tests.Runs;
using Orchestrator.Protos;
using Orchestrator.Protos.Blobs;

namespace Orchestrator.Coordinator.Tests.Checkpoints;

/// <summary>Manifests and whole checkpoints for tests.</summary>
internal static class Manifests
{
    /// <summary>One with every member, without blobs.</summary>
    public static CheckpointManifest Of(ulong step) => new()
    {
        Step = step,
        Job = "job-1",
        JobHash = "hash",
        Generation = 2,
        Fence = 3,
        Time = Timestamp.FromDateTimeOffset(new DateTimeOffset(2026, 1, 2, 3, 4, 5, 678, TimeSpan.Zero).AddTicks(9)),
        NumericClass = FakeWorkers.Class.Clone(),
        ComputeDtype = DType.Bf16,
        ClassChanged = true,
        Epoch = 1.0 / 3,
        SamplesTaken = 8 * step,
        Tokens = 77,
        Seconds = 0.1,
        SkippedInARow = 2,
        Clock = "2026-02-03T00:00:00",
        FirstEvaluation = new EvaluationPoint { Step = 0, Loss = double.NaN, LabelTokens = 12 },
        BestEvaluation = new EvaluationPoint { Step = 1, Loss = 5e-324, LabelTokens = 12 },
        Layouts = { new LayoutStretch { Generation = 2, FirstStep = 1, LastStep = step, Replicas = 2, Stages = 3 } },
    };

    /// <summary>Writes blobs and manifest of a checkpoint of two layers and gives its folder.</summary>
    public static string Write(CheckpointStore store, ulong step, string jobHash = "hash", int mostKept = 99)
    {
        var manifest = Of(step);
        manifest.JobHash = jobHash;
        foreach (var layer in new uint[] { 0, 3 })
        {
            manifest.Blobs.Add(WriteBlob(store.Of(step), layer, step));
        }

        Owning(store, owned =>
        {
            owned.Write(manifest);
            owned.DeleteSurplus(step, mostKept);
        });
        return store.Of(step);
    }

    /// <summary>Writes a manifest as it is, whoever owns the folder.</summary>
    public static void WriteFile(string checkpoint, CheckpointManifest manifest) => File.WriteAllBytes(Path.Combine(checkpoint, ManifestFile.Name), ManifestFile.ToBytes(manifest));

    /// <summary>Does something to a folder of checkpoints as its owner, who leaves nothing of himself.</summary>
    public static void Owning(CheckpointStore store, Action<OwnedCheckpoints> write)
    {
        var owned = OwnedCheckpoints.Take(store, new OwnerTitle("job-1", 1));
        try
        {
            write(owned);
        }
        finally
        {
            owned.Release();
        }
    }

    public static StateBlob WriteBlob(string folder, uint layer, ulong step)
    {
        using var writer = BlobWriter.Create(folder, "layer-state", [new("layer", $"{layer}"), new("step", $"{step}")], [new BlobTensorSpec("a", DType.F32, 64)]);
        writer.Write("a", new byte[256]);
        var digest = writer.CompleteByDigest();
        return new StateBlob { Layer = layer, Sha256 = digest.Sha256, Bytes = digest.Bytes };
    }
}
