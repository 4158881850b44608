using System.Net;
using System.Net.Sockets;

namespace Orchestrator.Chaos;

/// <summary>Stands between one worker and the others that connect to it, and does to their connections what a bad network does.</summary>
/// <remarks>Thread-safe. Plain TCP on loopback. Faults act on what the others send; what the worker answers passes.</remarks>
internal sealed class PeerProxy : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _ended = new();
    private readonly Lock _gate = new();
    private readonly List<Connection> _open = [];
    private readonly int _target;
    private readonly Task _accepting;
    private TimeSpan _delay;
    private int _corruptions;

    /// <param name="target">The port that the worker listens on.</param>
    public PeerProxy(int target)
    {
        _target = target;
        _listener.Start();
        _accepting = AcceptAllAsync();
    }

    /// <summary>Where the others connect to.</summary>
    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>Resets all open connections; false: there is none.</summary>
    public bool Reset()
    {
        var open = TakeOpen();
        foreach (var connection in open)
        {
            connection.Reset();
        }

        return open.Length > 0;
    }

    /// <summary>Lets nothing through any more on the connections that are open now; false: there is none.</summary>
    public bool HalfOpen()
    {
        lock (_gate)
        {
            _open.ForEach(connection => connection.Silent = true);
            return _open.Count > 0;
        }
    }

    /// <summary>Delays what is sent from now on; zero: no more. False: there is no connection now, and none is delayed.</summary>
    public bool Delay(TimeSpan by)
    {
        lock (_gate)
        {
            _delay = _open.Count > 0 ? by : TimeSpan.Zero;
            return _open.Count > 0;
        }
    }

    /// <summary>Flips a bit in the next long piece that is sent; false: there is no connection now, and nothing is done.</summary>
    public bool Corrupt()
    {
        lock (_gate)
        {
            _corruptions += _open.Count > 0 ? 1 : 0;
            return _open.Count > 0;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _ended.CancelAsync();
        _listener.Stop();
        Reset();
        await _accepting;
        _ended.Dispose();
    }

    private async Task AcceptAllAsync()
    {
        try
        {
            while (true)
            {
                var near = await _listener.AcceptSocketAsync(_ended.Token);
                _ = ServeAsync(near);
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // Disposed.
        }
    }

    private async Task ServeAsync(Socket near)
    {
        using var far = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
        near.NoDelay = true;
        var connection = new Connection(near, far);
        try
        {
            await far.ConnectAsync(IPAddress.Loopback, _target, _ended.Token);
            lock (_gate)
            {
                _open.Add(connection);
            }

            await Task.WhenAny(CopyAsync(connection, near, far, faulty: true), CopyAsync(connection, far, near, faulty: false));
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // The worker is not there, or the proxy has ended.
        }
        finally
        {
            lock (_gate)
            {
                _open.Remove(connection);
            }

            connection.Reset();
        }
    }

    private async Task CopyAsync(Connection connection, Socket from, Socket to, bool faulty)
    {
        byte[] buffer = new byte[64 * 1024];
        try
        {
            while (await from.ReceiveAsync(buffer.AsMemory(), _ended.Token) is > 0 and var count)
            {
                if (faulty && TakeDelay() is { Ticks: > 0 } delay)
                {
                    await Task.Delay(delay, _ended.Token);
                }

                if (connection.Silent)
                {
                    continue;
                }

                if (faulty && count > 4096 && TakeCorruption())
                {
                    buffer[count / 2] ^= 4;
                }

                for (int sent = 0; sent < count;)
                {
                    sent += await to.SendAsync(buffer.AsMemory(sent, count - sent), _ended.Token);
                }
            }
        }
        catch (Exception e) when (e is OperationCanceledException or SocketException or ObjectDisposedException)
        {
            // Either side has closed: the caller closes both.
        }
    }

    private TimeSpan TakeDelay()
    {
        lock (_gate)
        {
            return _delay;
        }
    }

    private bool TakeCorruption()
    {
        lock (_gate)
        {
            return _corruptions > 0 && _corruptions-- > 0;
        }
    }

    private Connection[] TakeOpen()
    {
        lock (_gate)
        {
            Connection[] all = [.. _open];
            _open.Clear();
            return all;
        }
    }

    private sealed class Connection(Socket near, Socket far)
    {
        private int _closed;

        public volatile bool Silent;

        public void Reset()
        {
            if (Interlocked.Exchange(ref _closed, 1) != 0)
            {
                return;
            }

            foreach (var socket in (Socket[])[near, far])
            {
                try
                {
                    socket.LingerState = new LingerOption(enable: true, seconds: 0);
                }
                catch (Exception e) when (e is SocketException or ObjectDisposedException)
                {
                    // It is closed already.
                }

                socket.Close();
            }
        }
    }
}
