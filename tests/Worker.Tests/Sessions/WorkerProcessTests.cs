using System.Diagnostics;
using Orchestrator.Worker.Tests.Transfer;

namespace Orchestrator.Worker.Tests.Sessions;

/// <summary>The program itself, ended from outside.</summary>
public sealed class WorkerProcessTests : IAsyncLifetime
{
    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);
    private readonly FakeCoordinator _coordinator = new();
    private readonly string _folder = Directory.CreateTempSubdirectory("worker-").FullName;
    private GrpcServer _server = null!;

    public async ValueTask InitializeAsync() => _server = await GrpcServer.StartAsync(_coordinator);

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        Directory.Delete(_folder, recursive: true);
    }

    [Theory]
    [InlineData("TERM", "it was told to end by SIGTERM.")]
    [InlineData("INT", "it was told to end by SIGINT.")]
    public async Task Worker_ThatGetsASignal_LeavesAndEndsWithZero(string signal, string reason)
    {
        using var worker = WorkerProgram.StartAt(_server.Address, _folder);
        await AttachedAsync(worker);
        using (var kill = Process.Start("/bin/kill", ["-s", signal, worker.Id.ToString()]))
            await kill.WaitForExitAsync(TestContext.Current.CancellationToken);
        await LeavesAsync(worker, reason);
    }

    [Fact]
    public async Task Worker_WhoseOwnerLetsItGo_LeavesAndEndsWithZero()
    {
        using var worker = WorkerProgram.StartAt(_server.Address, _folder, owned: true);
        await AttachedAsync(worker);
        worker.StandardInput.Close();
        await LeavesAsync(worker, "its owner ended or let it go.");
    }

    private async Task AttachedAsync(Process worker)
    {
        var attach = await _coordinator.AdmitAsync();
        Assert.Equal(("worker-7", worker.Id), (attach.Worker.WorkerId, attach.ProcessId));
    }

    private async Task LeavesAsync(Process worker, string reason)
    {
        try
        {
            Assert.Equal(reason, (await _coordinator.HearAsync()).Leave.Reason);
            await worker.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(Patience, TestContext.Current.CancellationToken);
            var errors = await worker.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
            Assert.True(worker.ExitCode == 0, $"exit code {worker.ExitCode}\n{errors}");
            Assert.DoesNotContain("Unhandled", errors, StringComparison.Ordinal);
            Assert.Empty(Directory.EnumerateFileSystemEntries(_folder));
        }
        finally
        {
            if (!worker.HasExited)
                worker.Kill();
        }
    }
}
