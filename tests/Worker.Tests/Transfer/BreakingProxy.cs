using System.Net;
using System.Net.Sockets;

namespace Orchestrator.Worker.Tests.Transfer;

/// <summary>Forwards TCP connections and resets each after so many bytes; every next one lives twice as long.</summary>
internal sealed class BreakingProxy : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _ended = new();
    private readonly int _target;
    private readonly Task _loop;
    private long _budget;

    public BreakingProxy(int target, long bytesBeforeBreak)
    {
        (_target, _budget) = (target, bytesBeforeBreak);
        _listener.Start();
        _loop = Task.Run(AcceptAsync);
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    public int Breaks { get; private set; }

    public async ValueTask DisposeAsync()
    {
        await _ended.CancelAsync();
        await _loop;
        _listener.Stop();
        _ended.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                using var client = await _listener.AcceptTcpClientAsync(_ended.Token);
                using var server = new TcpClient();
                await server.ConnectAsync(IPAddress.Loopback, _target, _ended.Token);
                var back = CopyAsync(server.GetStream(), client.GetStream(), long.MaxValue);
                await CopyAsync(client.GetStream(), server.GetStream(), _budget);
                _budget *= 2;
                Breaks++;
                client.Client.LingerState = new LingerOption(true, 0);
                client.Close();
                server.Close();
                await back;
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // Ended.
        }
    }

    private async Task CopyAsync(NetworkStream from, NetworkStream to, long budget)
    {
        var buffer = new byte[65536];
        try
        {
            while (budget > 0 && await from.ReadAsync(buffer, _ended.Token) is > 0 and var read)
            {
                await to.WriteAsync(buffer.AsMemory(0, read), _ended.Token);
                budget -= read;
            }
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or ObjectDisposedException)
        {
            // Broken on either side.
        }
    }
}
