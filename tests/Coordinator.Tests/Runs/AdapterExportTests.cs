using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Orchestrator.Coordinator.Checkpoints;
using Orchestrator.Coordinator.Membership;
using Orchestrator.Coordinator.Runs;
using Orchestrator.Coordinator.Storage;
using Orchestrator.Coordinator.Tests.Checkpoints;
using Orchestrator.Protos.Blobs;

namespace Orchestrator.Coordinator.Tests.Runs;

public sealed class AdapterExportTests : IDisposable
{
    private readonly SampleJob _job = new();

    private string Adapter => Path.Combine(_job.Output, "adapter");

    public void Dispose() => _job.Dispose();

    [Fact]
    public async Task Export_OfAStateWithAFlippedByte_FailsAndLeavesNoAdapter()
    {
        var (run, checkpoint) = await SavedAsync();
        var path = Path.Combine(checkpoint, CheckpointFolders.FileOf(run.Checkpoints[^1].Blobs[1].Sha256));
        var bytes = File.ReadAllBytes(path);
        bytes[bytes.Length / 2] ^= 1;
        File.WriteAllBytes(path, bytes);

        AssertRefused(run, checkpoint, "its content does not match the digest");
    }

    [Fact]
    public async Task Export_OfAStateThatIsNotTheOneInTheManifest_FailsAndLeavesNoAdapter()
    {
        var (run, checkpoint) = await SavedAsync();
        var blobs = run.Checkpoints[^1].Blobs;
        File.Copy(Path.Combine(checkpoint, CheckpointFolders.FileOf(blobs[1].Sha256)), Path.Combine(checkpoint, CheckpointFolders.FileOf(blobs[0].Sha256)), overwrite: true);

        AssertRefused(run, checkpoint, $"its digest is {blobs[1].Sha256} where {blobs[0].Sha256} was expected");
    }

    /// <summary>Whether any layout gives these bits is proven on the CPU alone.</summary>
    [Theory]
    [InlineData("cpu", true)]
    [InlineData("cuda", false)]
    public async Task Export_OnABackend_SaysWhetherItsBitsAreProven(string backend, bool identical)
    {
        var numericClass = FakeWorkers.Class.Clone();
        numericClass.Backend = backend;
        var (run, checkpoint) = await SavedAsync(new FakeWorkers(1) { WritesBlobs = true, Fleet = new FleetSnapshot(1, [FakeWorkers.Worker(0, numericClass)]) });

        Export(run, checkpoint);

        using var lineage = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Adapter, "lineage.json")));
        Assert.Equal(identical, lineage.RootElement.GetProperty("bit_identical").GetBoolean());
        Assert.StartsWith($"{backend}/", lineage.RootElement.GetProperty("numeric_class").GetString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task Export_OfARunThatChangedItsClass_SaysThatItsBitsAreNobodys()
    {
        var (run, checkpoint) = await SavedAsync();
        var manifest = ManifestFile.Read(checkpoint);
        manifest.ClassChanged = true;
        Manifests.WriteFile(checkpoint, manifest);

        Export(run, checkpoint);

        using var lineage = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Adapter, "lineage.json")));
        Assert.False(lineage.RootElement.GetProperty("bit_identical").GetBoolean());
    }

    [Fact]
    public async Task Export_OfARunThatStartedFromAnAdapter_SaysInItsLineageWhereItsBitsComeFrom()
    {
        string At(string name) => Fixtures.At("training", "nf4-sgd-constant", name);
        var (run, checkpoint) = await SavedAsync(
            new FakeWorkers(2) { WritesBlobs = true }, "layout={replicas: 2, stages: 1}", $"model={At("base")}", $"adapter.init_from={At("init")}", $"data.train={At("train.jsonl")}", $"data.eval={At("eval.jsonl")}");

        Export(run, checkpoint);

        using var document = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Adapter, "lineage.json")));
        var lineage = document.RootElement;
        Assert.Equal(
            ["base", "init_from", "data", "job_sha256", "step", "versions", "numeric_class", "bit_identical", "layouts"],
            lineage.EnumerateObject().Select(property => property.Name));
        AssertSource(lineage.GetProperty("base"), At("base"), "config.json", "model.safetensors");
        AssertSource(lineage.GetProperty("init_from"), At("init"), "adapter_config.json", "adapter_model.safetensors");
        Assert.Equal(
            [ShardOf("train", At("train.jsonl")), ShardOf("eval", At("eval.jsonl"))],
            lineage.GetProperty("data").EnumerateArray().Select(data => $"{data.GetProperty("split")} {data.GetProperty("samples")} {data.GetProperty("tokens")}"));
        Assert.All(lineage.GetProperty("data").EnumerateArray(), data => Assert.True(File.Exists(_job.Folder.At("data", $"{data.GetProperty("sha256")}.blob"))));
        Assert.Equal(2, lineage.GetProperty("data").EnumerateArray().Select(data => data.GetProperty("sha256").GetString()).Distinct().Count());
        Assert.Equal(JsonDocument.Parse(run.Plan).RootElement.GetProperty("job_hash").GetString(), lineage.GetProperty("job_sha256").GetString());
        Assert.Equal(2, lineage.GetProperty("step").GetInt32());
        Assert.Equal(["kernels", "libtorch", "orchestrator"], lineage.GetProperty("versions").EnumerateObject().Select(version => version.Name));
        Assert.Equal(("1", "2.10"), (lineage.GetProperty("versions").GetProperty("kernels").GetString(), lineage.GetProperty("versions").GetProperty("libtorch").GetString()));
        Assert.Matches("^[0-9]+\\.[0-9]+", lineage.GetProperty("versions").GetProperty("orchestrator").GetString());
        Assert.Equal("""[{"generation":1,"first_step":1,"last_step":2,"replicas":2,"stages":1}]""", JsonSerializer.Serialize(lineage.GetProperty("layouts")));
    }

    [Fact]
    public async Task Export_OfAFreshAdapterWithoutEvaluation_HasNeitherInItsLineage()
    {
        var (run, checkpoint) = await SavedAsync(null, "data.eval=null");

        Export(run, checkpoint);

        using var lineage = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Adapter, "lineage.json")));
        Assert.Equal(JsonValueKind.Null, lineage.RootElement.GetProperty("init_from").ValueKind);
        Assert.Equal("train 64 512", Assert.Single(lineage.RootElement.GetProperty("data").EnumerateArray().Select(data => $"{data.GetProperty("split")} {data.GetProperty("samples")} {data.GetProperty("tokens")}")));
    }

    /// <summary>The name, each file's hash, and the one over them all, computed here once more from the files.</summary>
    private static void AssertSource(JsonElement source, string folder, params string[] files)
    {
        var hashes = files.Select(file => (Name: file, Hash: Convert.ToHexStringLower(SHA256.HashData(File.ReadAllBytes(Path.Combine(folder, file)))))).ToList();
        Assert.Equal(["name", "sha256", "files"], source.EnumerateObject().Select(property => property.Name));
        Assert.Equal(folder, source.GetProperty("name").GetString());
        Assert.Equal(hashes, source.GetProperty("files").EnumerateObject().Select(file => (file.Name, file.Value.GetString()!)));
        Assert.Equal(Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(string.Concat(hashes.Select(file => $"{file.Name}  {file.Hash}\n"))))), source.GetProperty("sha256").GetString());
    }

    private static string ShardOf(string split, string file)
    {
        var lengths = File.ReadAllLines(file).Select(row => JsonDocument.Parse(row).RootElement.GetProperty("input_ids").GetArrayLength()).ToList();
        return $"{split} {lengths.Count} {lengths.Sum()}";
    }

    private string Export(PureRun run, string checkpoint)
    {
        using var folder = OwnedRunFolder.Create(_job.Output, new OwnerTitle("job-1", 1), "", [], _ => { });
        return AdapterExport.Run(run.Session.Material!, checkpoint, folder.WriteAdapter);
    }

    private void AssertRefused(PureRun run, string checkpoint, string sentence)
    {
        var refused = Assert.Throws<BlobFormatException>(() => Export(run, checkpoint));

        Assert.Contains(sentence, refused.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Adapter));
    }

    /// <summary>A run at its end, and its last checkpoint.</summary>
    private async Task<(PureRun Run, string Checkpoint)> SavedAsync(FakeWorkers? fleet = null, params string[] set)
    {
        var request = _job.Request(["training.max_steps=2", "training.eval_steps=2", "training.save_steps=2", .. set]);
        var run = new PureRun(await _job.MaterialAsync(request), request, fleet ?? new FakeWorkers(1) { WritesBlobs = true });
        run.Submit();
        var checkpoint = CheckpointFolders.Of(Path.Combine(_job.Output, CheckpointStore.FolderName), 2);
        Manifests.WriteFile(checkpoint, Assert.Single(run.Checkpoints));
        return (run, checkpoint);
    }
}
