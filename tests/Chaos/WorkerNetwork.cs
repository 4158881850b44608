using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Orchestrator.Chaos;

/// <summary>The workers of a run behind proxies: each listens on a port of its own, and the others are told its proxy's.</summary>
/// <remarks>The program that <c>train</c> starts as its worker is a script that adds the two addresses by the worker's name.</remarks>
internal sealed class WorkerNetwork : IAsyncDisposable
{
    private readonly PeerProxy[] _proxies;

    /// <param name="folder">Where the script is written.</param>
    /// <param name="worker">The worker's program.</param>
    /// <param name="count">How many workers.</param>
    public WorkerNetwork(string folder, string worker, int count)
    {
        int[] ports = FreePorts(count);
        _proxies = [.. ports.Select(port => new PeerProxy(port))];
        var script = new StringBuilder("#!/bin/sh\nfor word in \"$@\"; do [ \"$before\" = --name ] && name=$word; before=$word; done\ncase $name in\n");
        for (int i = 0; i < count; i++)
        {
            script.Append(CultureInfo.InvariantCulture, $"worker-{i}) set -- \"$@\" --listen 127.0.0.1:{ports[i]} --advertise http://127.0.0.1:{_proxies[i].Port} ;;\n");
        }

        script.Append(CultureInfo.InvariantCulture, $"esac\nexec '{worker}' \"$@\"\n");
        Program = Path.Combine(folder, "worker.sh");
        File.WriteAllText(Program, script.ToString());
        File.SetUnixFileMode(Program, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
    }

    /// <summary>What ORCHESTRATOR_WORKER is to name.</summary>
    public string Program { get; }

    /// <summary>The proxy before a worker.</summary>
    public PeerProxy this[int worker] => _proxies[worker];

    public async ValueTask DisposeAsync()
    {
        foreach (var proxy in _proxies)
        {
            await proxy.DisposeAsync();
        }
    }

    // Held all at once, so that they differ; free again when this returns.
    private static int[] FreePorts(int count)
    {
        var held = Enumerable.Range(0, count).Select(_ => new TcpListener(IPAddress.Loopback, 0)).ToList();
        held.ForEach(listener => listener.Start());
        int[] ports = [.. held.Select(listener => ((IPEndPoint)listener.LocalEndpoint).Port)];
        held.ForEach(listener => listener.Stop());
        return ports;
    }
}
