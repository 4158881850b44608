using System.Net;
using System.Security.Cryptography;
using Akka.Actor;
using Grpc.Core;
using Grpc.Net.Client;
using Microsoft.Extensions.DependencyInjection;
using Orchestrator.Coordinator.Api;
using Orchestrator.Coordinator.Clustering;
using Orchestrator.Coordinator.Runs;
using Orchestrator.Coordinator.Telemetry;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Tests.Api;

/// <summary>The whole coordinator on loopback, spoken to as workers and users do.</summary>
public sealed class CoordinatorHostTests : IAsyncLifetime
{
    private readonly TemporaryFolder _folder = new();
    private readonly AccessTokens _tokens = AccessTokens.Random();
    private readonly RunLog _log = new(TimeProvider.System);
    private CoordinatorHost _host = null!;
    private GrpcChannel _channel = null!;

    public async ValueTask InitializeAsync()
    {
        Directory.CreateDirectory(_folder.At("data"));
        var folders = new JobFolders(_folder.At("data"), _folder.At("stages"));
        _host = await CoordinatorHost.StartAsync(
            new CoordinatorSettings(folders, new ClusterSettings(_folder.At("journal.db")), _tokens), _log, TestContext.Current.CancellationToken);
        _channel = GrpcChannel.ForAddress(_host.GrpcAddress);
    }

    public async ValueTask DisposeAsync()
    {
        _channel.Dispose();
        await _host.DisposeAsync();
        _log.Dispose();
        _folder.Dispose();
    }

    [Fact]
    public async Task Attach_JoinTokenOrCredential_IsAcceptedWithLeaseAndCredential()
    {
        var accepted = (await AttachAsync(_tokens.JoinToken, 1)).Accepted;
        Assert.Equal(3, accepted.LeaseSeconds);
        Assert.Equal(CoordinatorMessage.BodyOneofCase.Accepted, (await AttachAsync(accepted.Credential, 2)).BodyCase);
    }

    [Fact]
    public async Task Attach_WrongToken_IsRefused() =>
        Assert.Equal(ErrorCode.Unauthenticated, (await AttachAsync("guess", 1)).Refused.Code);

    [Fact]
    public async Task Fetch_FromAnOffset_GivesTheRestOfTheShard()
    {
        var bytes = RandomNumberGenerator.GetBytes(700_000);
        var digest = Convert.ToHexStringLower(SHA256.HashData(bytes));
        await File.WriteAllBytesAsync(_folder.At("data", $"{digest}.blob"), bytes, TestContext.Current.CancellationToken);
        using var fetched = new MemoryStream();
        using var call = Shards.Fetch(new ShardRequest { Shard = new ShardRef { Sha256 = digest }, Offset = 100_001 }, Bearer(_tokens.WorkerCredential), cancellationToken: TestContext.Current.CancellationToken);
        await foreach (var part in call.ResponseStream.ReadAllAsync(TestContext.Current.CancellationToken))
        {
            Assert.Equal(100_001UL + (ulong)fetched.Length, part.Offset);
            Assert.InRange(part.Content.Length, 1, 256 * 1024);
            part.Content.WriteTo(fetched);
        }

        Assert.Equal(bytes[100_001..], fetched.ToArray());
    }

    [Theory]
    [InlineData("../journal.db", StatusCode.InvalidArgument)]
    [InlineData("", StatusCode.InvalidArgument)]
    [InlineData("e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855", StatusCode.NotFound)]
    public async Task Fetch_NoSuchShard_IsRefused(string digest, StatusCode status) =>
        Assert.Equal(status, await StatusOfFetchAsync(digest, _tokens.WorkerCredential));

    [Fact]
    public async Task Calls_WithAnothersToken_AreUnauthenticated()
    {
        Assert.Equal(StatusCode.Unauthenticated, await StatusOfFetchAsync("", _tokens.UserToken));
        var jobs = new Protos.Jobs.JobsClient(_channel);
        foreach (var headers in new[] { [], Bearer(_tokens.WorkerCredential), Bearer(_tokens.JoinToken) })
        {
            var refused = await Assert.ThrowsAsync<RpcException>(async () => await jobs.GetAsync(new JobRequest { Job = "job-1" }, headers, cancellationToken: TestContext.Current.CancellationToken));
            Assert.Equal(StatusCode.Unauthenticated, refused.StatusCode);
        }
    }

    [Fact]
    public async Task Get_UnknownJob_IsNotFound()
    {
        var jobs = new Protos.Jobs.JobsClient(_channel);
        var refused = await Assert.ThrowsAsync<RpcException>(async () =>
            await jobs.GetAsync(new JobRequest { Job = "job-000000000000" }, Bearer(_tokens.UserToken), cancellationToken: TestContext.Current.CancellationToken));
        Assert.Equal(StatusCode.NotFound, refused.StatusCode);
    }

    [Fact]
    public async Task Health_IsAnsweredOverHttp1()
    {
        using var http = new HttpClient { BaseAddress = _host.HttpAddress };
        using var answer = await http.GetAsync(new Uri("/healthz/live", UriKind.Relative), TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.OK, answer.StatusCode);
    }

    [Fact]
    public async Task Health_ReadyOnlyWhileTheNodeIsUp_AliveAsLongAsItAnswers()
    {
        using var http = new HttpClient { BaseAddress = _host.HttpAddress };
        for (var i = 0; i < 300 && await StatusAsync("/healthz/ready") != HttpStatusCode.OK; i++)
        {
            await Task.Delay(100, TestContext.Current.CancellationToken);
        }

        Assert.Equal(HttpStatusCode.OK, await StatusAsync("/healthz/ready"));
        await _host.Services.GetRequiredService<ActorSystem>().Terminate();
        Assert.Equal(HttpStatusCode.ServiceUnavailable, await StatusAsync("/healthz/ready"));
        Assert.Equal(HttpStatusCode.OK, await StatusAsync("/healthz/live"));

        async Task<HttpStatusCode> StatusAsync(string path)
        {
            using var answer = await http.GetAsync(new Uri(path, UriKind.Relative), TestContext.Current.CancellationToken);
            return answer.StatusCode;
        }
    }

    [Fact]
    public async Task Log_OfAStart_HasNoLineOfAkkasOwnUnlessItWarns()
    {
        var jobs = new Protos.Jobs.JobsClient(_channel);
        await Assert.ThrowsAsync<RpcException>(async () =>
            await jobs.GetAsync(new JobRequest { Job = "job-000000000000" }, Bearer(_tokens.UserToken), cancellationToken: TestContext.Current.CancellationToken));
        await AttachAsync(_tokens.JoinToken, 1);
        _log.WriteTo(_folder.At("run.log"));
        var lines = await File.ReadAllTextAsync(_folder.At("run.log"), TestContext.Current.CancellationToken);
        Assert.Contains("info WorkerDirectory: worker-0 attached.", lines, StringComparison.Ordinal);
        Assert.DoesNotContain("[INFO]", lines, StringComparison.Ordinal);
        Assert.DoesNotContain("Trying to register", lines, StringComparison.Ordinal);
    }

    private DataShards.DataShardsClient Shards => new(_channel);

    private static Metadata Bearer(string token) => new() { { "authorization", $"Bearer {token}" } };

    private async Task<CoordinatorMessage> AttachAsync(string token, ulong incarnation)
    {
        using var call = new WorkerAttachment.WorkerAttachmentClient(_channel).Attach(cancellationToken: TestContext.Current.CancellationToken);
        await call.RequestStream.WriteAsync(
            new WorkerMessage
            {
                Attach = new AttachRequest
                {
                    Worker = new WorkerIdentity { WorkerId = "worker-0", Incarnation = incarnation },
                    JoinToken = token,
                    NumericClass = new NumericClass { Backend = "cpu" },
                    PeerAddress = "http://127.0.0.1:4000",
                },
            },
            TestContext.Current.CancellationToken);
        Assert.True(await call.ResponseStream.MoveNext(TestContext.Current.CancellationToken));
        return call.ResponseStream.Current;
    }

    private async Task<StatusCode> StatusOfFetchAsync(string digest, string token)
    {
        using var call = Shards.Fetch(new ShardRequest { Shard = new ShardRef { Sha256 = digest } }, Bearer(token), cancellationToken: TestContext.Current.CancellationToken);
        return (await Assert.ThrowsAsync<RpcException>(async () => await call.ResponseStream.MoveNext(TestContext.Current.CancellationToken))).StatusCode;
    }
}
