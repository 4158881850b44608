using Orchestrator.Protos;
using Orchestrator.Worker.Adapters;
using Orchestrator.Worker.Kernels;
using Orchestrator.Worker.Mirrors;
using Orchestrator.Worker.Tests.Adapters;
using TorchSharp;

namespace Orchestrator.Worker.Tests.Mirrors;

public sealed class MirrorFilesTests : IDisposable
{
    private readonly string _folder = Directory.CreateTempSubdirectory("mirror-").FullName;
    private readonly AdapterState _state = AdapterState.Create(AdapterStateTests.Stage(AdapterStateTests.Module(0, 6, 4, 2, 0)), torch.CPU);
    private readonly MirrorFiles _files;

    public MirrorFilesTests() => _files = new MirrorFiles(_folder, "job", "worker-1");

    public void Dispose()
    {
        _state.Dispose();
        Directory.Delete(_folder, recursive: true);
    }

    [Fact]
    public void Write_StepAfterStep_KeepsTheLastTwoForAnotherLife()
    {
        foreach (var step in (ulong[])[4, 5, 6])
            Write(step);
        var states = new MirrorFiles(_folder, "job", "worker-1").Read().States;
        Assert.Equal([5UL, 6UL], states.Select(state => state.Step));
        Assert.All(states, state => Assert.Equal((0U, 3U, StateHolding.File), (state.FirstLayer, state.LastLayer, state.Holding)));
        Assert.Equal(_state.Hash(), states[1].Hash.ToByteArray());
        using var piece = _files.Find(6, 0)!;
        using var again = AdapterSnapshot.Allocate(_state.Layout, _state.Moments.Count);
        LayerPieces.Put(piece, again, _state.Layout.Layers[0]);
        Assert.Equal(_state.Hash(), again.Hash());
        Assert.Equal((true, false, false), (_files.Holds(6, 0), _files.Holds(6, 1), _files.Holds(4, 0)));
        Assert.Null(_files.Find(4, 0));
        Assert.Null(_files.Find(6, 1));
    }

    /// <summary>What was reported until then and may not have been heard.</summary>
    [Fact]
    public void Read_OfAnotherLife_GivesTheReportsOfTheNewestState()
    {
        Assert.Equal(new PendingReports(), _files.Read().Reports);
        Write(4);
        Write(5);
        Assert.Equal(Reports(5), new MirrorFiles(_folder, "job", "worker-1").Read().Reports);
    }

    /// <summary>After a step back, what lies behind it is of a course that was given up.</summary>
    [Fact]
    public void Write_OfAnEarlierStep_DeletesTheLaterOnes()
    {
        Write(5);
        Write(6);
        Write(5);
        Assert.Equal([5UL], _files.Read().States.Select(state => state.Step));
    }

    [Fact]
    public void Read_OfAnotherJobOrWorker_AreNotItsOwn()
    {
        Write(5);
        Assert.Empty(new MirrorFiles(_folder, "job", "worker-2").Read().States);
        Assert.Empty(new MirrorFiles(_folder, "job-2", "worker-1").Read().States);
        Assert.Empty(new MirrorFiles(Path.Combine(_folder, "none"), "job", "worker-1").Read().States);
    }

    [Fact]
    public void Read_OfADamagedFile_LeavesItOutAndDeletesIt()
    {
        Write(5);
        Write(6);
        var file = Directory.EnumerateFiles(_folder).Single(path => path.EndsWith("-6.blob", StringComparison.Ordinal));
        var bytes = File.ReadAllBytes(file);
        bytes[bytes.Length / 2] ^= 1;
        File.WriteAllBytes(file, bytes);
        var (states, reports) = _files.Read();
        Assert.Equal([5UL], states.Select(state => state.Step));
        Assert.Equal(Reports(5), reports);
        Assert.False(File.Exists(file));
        _files.Delete();
        Assert.Empty(Directory.EnumerateFileSystemEntries(_folder));
    }

    /// <summary>What a job left that ended while its worker was gone; not what is in use, nor files of any other kind.</summary>
    [Fact]
    public void DeleteOlder_ByNameAndAge_DeletesNothingElse()
    {
        Write(5);
        var left = Path.Combine(_folder, $"mirror-{new string('a', 24)}-12.blob");
        var other = Path.Combine(_folder, "mirror-of-mine.blob");
        foreach (var path in (string[])[left, other])
        {
            File.WriteAllText(path, "");
            File.SetLastWriteTimeUtc(path, DateTime.UtcNow.AddDays(-8));
        }

        MirrorFiles.DeleteOlder(_folder, DateTimeOffset.UtcNow - MirrorFiles.Age);
        MirrorFiles.DeleteOlder(Path.Combine(_folder, "none"), DateTimeOffset.UtcNow);
        Assert.Equal([5UL], _files.Read().States.Select(state => state.Step));
        Assert.Equal((false, true), (File.Exists(left), File.Exists(other)));
    }

    private void Write(ulong step)
    {
        using (torch.no_grad())
            _state.Parameters.Add(1);
        using var snapshot = _state.Snapshot(step);
        _files.Write(snapshot, 0, 3, Reports(step));
    }

    private static PendingReports Reports(ulong step) => new()
    {
        Steps = { new StepReport { Step = step - 1, GradNorm = 0.5 }, new StepReport { Step = step } },
        Evaluations = { new EvaluationReport { Step = step - 1, Losses = { new SampleLoss { Sample = 3 } } } },
    };
}
