using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Orchestrator.Protos;
using Orchestrator.Worker.Tests.Transfer;

namespace Orchestrator.Worker.Tests.Sessions;

/// <summary>The program itself with a <c>--coordinator</c> at which there is none.</summary>
public sealed class WrongCoordinatorTests : IDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private Process? _worker;

    public void Dispose()
    {
        _listener.Dispose();
        if (_worker is { HasExited: false })
            _worker.Kill();
        _worker?.Dispose();
    }

    [Fact]
    public async Task Worker_WhereAnotherGrpcServerAnswers_SaysSoAndEndsWithFour()
    {
        await using var server = await GrpcServer.StartAsync(new OtherService());
        var worker = Start(server.Address);
        var errors = worker.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        await worker.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);
        Assert.True(worker.ExitCode == 4, $"exit code {worker.ExitCode}\n{await errors}");
        var sentence = (await errors).TrimEnd().Split('\n')[^1];
        Assert.Matches($"^What answers at {server.Address} is no coordinator \\(.*Unimplemented.*\\): give --coordinator the address of a coordinator's gRPC port\\.$", sentence);
        Assert.DoesNotContain("Exception", await errors, StringComparison.Ordinal);
    }

    [Fact]
    public async Task Worker_WhereNobodyListens_SaysSoAndGoesOnTrying()
    {
        // A port that is kept but not listened at.
        using var kept = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        kept.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        await SaysThatItGoesOnTryingAsync($"http://127.0.0.1:{((IPEndPoint)kept.LocalEndPoint!).Port}/");
    }

    [Fact]
    public async Task Worker_WhereAnHttp1ServerAnswers_SaysSoAndGoesOnTrying()
    {
        _listener.Start();
        _ = AnswerAsync();
        await SaysThatItGoesOnTryingAsync($"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}/");
    }

    /// <summary>A server that takes connections and says nothing: a signal ends the worker while it waits for its answer.</summary>
    [Fact]
    public async Task Worker_ToldToEndWhileItAttaches_EndsWithZero()
    {
        _listener.Start();
        var worker = Start(new Uri($"http://127.0.0.1:{((IPEndPoint)_listener.LocalEndpoint).Port}"));
        using var connection = await _listener.AcceptTcpClientAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);
        var errors = worker.StandardError.ReadToEndAsync(TestContext.Current.CancellationToken);
        using (var kill = Process.Start("/bin/kill", ["-s", "TERM", worker.Id.ToString()]))
            await kill.WaitForExitAsync(TestContext.Current.CancellationToken);
        await worker.WaitForExitAsync(TestContext.Current.CancellationToken).WaitAsync(TimeSpan.FromSeconds(60), TestContext.Current.CancellationToken);
        Assert.True(worker.ExitCode == 0, $"exit code {worker.ExitCode}\n{await errors}");
        Assert.Contains("Ending: it was told to end by SIGTERM.", await errors, StringComparison.Ordinal);
    }

    private async Task SaysThatItGoesOnTryingAsync(string address)
    {
        var worker = Start(new Uri(address));
        var tried = false;
        while (!tried && await worker.StandardError.ReadLineAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(TimeSpan.FromSeconds(60)) is { } line)
            tried = line.Contains($"Cannot attach to {address} and goes on trying: ", StringComparison.Ordinal);
        Assert.True(tried, "the worker ended without a line of its failed try");
        Assert.False(worker.HasExited);
    }

    private async Task AnswerAsync()
    {
        try
        {
            while (true)
            {
                using var client = await _listener.AcceptTcpClientAsync();
                await client.GetStream().WriteAsync("HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\nConnection: close\r\n\r\n"u8.ToArray());
            }
        }
        catch (Exception ended) when (ended is ObjectDisposedException or SocketException or IOException)
        {
            // The test is over, or the worker went away.
        }
    }

    private Process Start(Uri coordinator) => _worker = WorkerProgram.StartAt(coordinator);

    private sealed class OtherService : StepAgreement.StepAgreementBase;
}
