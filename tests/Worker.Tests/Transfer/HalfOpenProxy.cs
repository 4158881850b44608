using System.Net;
using System.Net.Sockets;

namespace Orchestrator.Worker.Tests.Transfer;

/// <summary>Forwards TCP connections; what goes to the server is bent or swallowed as the test says.</summary>
internal sealed class HalfOpenProxy : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _ended = new();
    private readonly int _target;
    private readonly Func<int, long, Memory<byte>, bool> _forward;
    private readonly List<Task> _copies = [];
    private readonly Task _loop;

    /// <param name="target">The server's port.</param>
    /// <param name="forward">Given a connection's number, its bytes so far and the next ones, which it may change; false: they, and all after them, are swallowed.</param>
    public HalfOpenProxy(int target, Func<int, long, Memory<byte>, bool> forward)
    {
        (_target, _forward) = (target, forward);
        _listener.Start();
        _loop = Task.Run(AcceptAsync);
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    public int Connections { get; private set; }

    public async ValueTask DisposeAsync()
    {
        await _ended.CancelAsync();
        await _loop;
        await Task.WhenAll(_copies);
        _listener.Stop();
        _ended.Dispose();
    }

    private async Task AcceptAsync()
    {
        try
        {
            while (true)
            {
                var client = await _listener.AcceptTcpClientAsync(_ended.Token);
                _copies.Add(ServeAsync(client, Connections++));
            }
        }
        catch (OperationCanceledException)
        {
            // Ended.
        }
    }

    private async Task ServeAsync(TcpClient client, int connection)
    {
        using (client)
        {
            using var server = new TcpClient();
            await server.ConnectAsync(IPAddress.Loopback, _target);
            await Task.WhenAny(CopyAsync(client.GetStream(), server.GetStream(), (at, bytes) => _forward(connection, at, bytes)), CopyAsync(server.GetStream(), client.GetStream(), (_, _) => true));
        }
    }

    private async Task CopyAsync(NetworkStream from, NetworkStream to, Func<long, Memory<byte>, bool> forward)
    {
        var buffer = new byte[65536];
        var (at, open) = (0L, true);
        try
        {
            while (await from.ReadAsync(buffer, _ended.Token) is > 0 and var read)
            {
                open = open && forward(at, buffer.AsMemory(0, read));
                at += read;
                if (open)
                    await to.WriteAsync(buffer.AsMemory(0, read), _ended.Token);
            }
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or ObjectDisposedException)
        {
            // Broken on either side.
        }
    }
}
