using System.Net;
using System.Net.Sockets;
using Orchestrator.Worker.Runtime;
using Orchestrator.Worker.Transfer;

namespace Orchestrator.Worker.Tests.Transfer;

public sealed class PeerServerTests
{
    [Fact]
    public async Task Start_OnAPortInUse_NamesTheOptionAndTheReason()
    {
        using var taken = new TcpListener(IPAddress.Loopback, 0);
        taken.Start();
        await AssertRefusedAsync((IPEndPoint)taken.LocalEndpoint, "already in use");
    }

    // An address that is kept for documentation: no machine has it.
    [Fact]
    public Task Start_OnAnAddressOfNoInterface_NamesTheOptionAndTheReason() => AssertRefusedAsync(new IPEndPoint(IPAddress.Parse("192.0.2.1"), 0), "assign requested address");

    private static async Task AssertRefusedAsync(IPEndPoint listen, string reason)
    {
        var refused = await Assert.ThrowsAsync<WorkerFaultException>(() => PeerServer.StartAsync(listen, null, TestContext.Current.CancellationToken));
        Assert.StartsWith($"--listen {listen} cannot be bound: ", refused.Message, StringComparison.Ordinal);
        Assert.Contains(reason, refused.Message, StringComparison.Ordinal);
    }
}
