using System.Text.Json;
using Orchestrator.Coordinator.Membership;
using Orchestrator.Coordinator.Runs;
using Orchestrator.Protos;
using Orchestrator.Protos.Blobs;

namespace Orchestrator.Coordinator.Tests.Runs;

public sealed class AdapterExportTests : IDisposable
{
    private readonly SampleJob _job = new();

    private string States => Path.Combine(_job.Folder.Path, "states");

    private string Adapter => Path.Combine(_job.Output, "adapter");

    public void Dispose() => _job.Dispose();

    [Fact]
    public async Task Export_OfAStateWithAFlippedByte_FailsAndLeavesNoAdapter()
    {
        var (run, saved) = await SavedAsync();
        var path = Path.Combine(States, saved.File);
        var bytes = File.ReadAllBytes(path);
        bytes[bytes.Length / 2] ^= 1;
        File.WriteAllBytes(path, bytes);

        AssertRefused(run, saved, "its content does not match the digest");
    }

    [Fact]
    public async Task Export_OfAStateThatIsNotTheReportedOne_FailsAndLeavesNoAdapter()
    {
        var (run, saved) = await SavedAsync();
        var reported = saved.Sha256;
        saved.Sha256 = new string('0', 64);

        AssertRefused(run, saved, $"its digest is {reported} where {saved.Sha256} was expected");
    }

    /// <summary>Whether any layout gives these bits is proven on the CPU alone.</summary>
    [Theory]
    [InlineData("cpu", true)]
    [InlineData("cuda", false)]
    public async Task Export_OnABackend_SaysWhetherItsBitsAreProven(string backend, bool identical)
    {
        var numericClass = FakeWorkers.Class.Clone();
        numericClass.Backend = backend;
        var (run, saved) = await SavedAsync(new FakeWorkers(1) { Fleet = new FleetSnapshot(1, [FakeWorkers.Worker(0, numericClass)]) });

        AdapterExport.Run(run.Session.Material!, run.Record, States, [saved], Adapter);

        using var lineage = JsonDocument.Parse(File.ReadAllBytes(Path.Combine(Adapter, "lineage.json")));
        Assert.Equal(identical, lineage.RootElement.GetProperty("bit_identical").GetBoolean());
        Assert.StartsWith($"{backend}/", lineage.RootElement.GetProperty("numeric_class").GetString(), StringComparison.Ordinal);
    }

    private void AssertRefused(PureRun run, StateSaved saved, string sentence)
    {
        var refused = Assert.Throws<BlobFormatException>(() => AdapterExport.Run(run.Session.Material!, run.Record, States, [saved], Adapter));

        Assert.Contains(sentence, refused.Message, StringComparison.Ordinal);
        Assert.False(Directory.Exists(Adapter));
    }

    /// <summary>A run at its end, and the state that its only worker saved.</summary>
    private async Task<(PureRun Run, StateSaved Saved)> SavedAsync(FakeWorkers? fleet = null)
    {
        var request = _job.Request("training.max_steps=2", "training.eval_steps=2");
        var workers = fleet ?? new FakeWorkers(1);
        var run = new PureRun(await _job.MaterialAsync(request), request, workers);
        run.Submit();
        var save = new SaveState { Step = run.Record.CommittedStep, Folder = States };
        return (run, Assert.Single(workers.Obey(FakeWorkers.Key(0), new CoordinatorMessage { SaveState = save })).StateSaved);
    }
}
