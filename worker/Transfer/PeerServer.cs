using System.Net;
using System.Net.Sockets;
using Grpc.AspNetCore.Server.Model;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Logging;
using Orchestrator.Protos;
using Orchestrator.Worker.Runtime;

namespace Orchestrator.Worker.Transfer;

/// <summary>Where other workers reach this one: plain HTTP/2 with TensorTransfer, StepAgreement and BaseWeights.</summary>
/// <remarks>Owns the inboxes. Windows are large so that a tensor is not paced by acknowledgements; a message is one frame, one vote or one verdict.</remarks>
internal sealed class PeerServer : IAsyncDisposable
{
    private const int MaxFrameBytes = 16 * 1024 * 1024;

    // The losses of an evaluation of ten million samples, each of at most 24 bytes.
    private const int MaxAgreementBytes = 256 * 1024 * 1024;

    private readonly WebApplication _application;

    private PeerServer(WebApplication application) => _application = application;

    public PeerAccess Access { get; } = new();

    public TensorInbox Tensors { get; } = new();

    public AgreementInbox Agreements { get; } = new();

    public BaseWeightAccess Weights { get; } = new();

    /// <summary>The address that is bound, e.g. "http://127.0.0.1:40123".</summary>
    public string Address { get; private set; } = "";

    /// <summary>Binds and serves.</summary>
    /// <param name="listen">Address and port; port 0: any free one.</param>
    /// <param name="loggers">Where the server logs to; null: nowhere.</param>
    /// <param name="cancellationToken">Ends the start.</param>
    /// <exception cref="WorkerFaultException">The address cannot be bound.</exception>
    public static async Task<PeerServer> StartAsync(IPEndPoint listen, ILoggerFactory? loggers, CancellationToken cancellationToken)
    {
        // An empty builder reads no environment, no files and no command line, and handles no signals.
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions { ContentRootPath = AppContext.BaseDirectory });
        builder.WebHost.UseKestrelCore().ConfigureKestrel(options => Configure(options, listen));
        builder.Services.AddRoutingCore();
        builder.Services.AddGrpc(options => options.MaxReceiveMessageSize = MaxFrameBytes)
            .AddServiceOptions<StepAgreementService>(options => options.MaxReceiveMessageSize = MaxAgreementBytes);
        builder.Services.TryAddEnumerable(ServiceDescriptor.Singleton<IServiceMethodProvider<TensorTransferService>, TensorTransferBinding>());
        if (loggers is not null)
            builder.Services.AddSingleton(loggers);
        PeerServer? server = null;
        builder.Services.AddSingleton(_ => server!.Access).AddSingleton(_ => server!.Tensors).AddSingleton(_ => server!.Agreements).AddSingleton(_ => server!.Weights);
        var application = builder.Build();
        server = new PeerServer(application);
        application.UseRouting();
        application.MapGrpcService<TensorTransferService>();
        application.MapGrpcService<StepAgreementService>();
        application.MapGrpcService<BaseWeightService>();
        await BindAsync(application, listen, cancellationToken);
        server.Address = application.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single();
        return server;
    }

    public async ValueTask DisposeAsync()
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(1));
        await _application.StopAsync(patience.Token);
        await _application.DisposeAsync();
    }

    private static async Task BindAsync(WebApplication application, IPEndPoint listen, CancellationToken cancellationToken)
    {
        try
        {
            await application.StartAsync(cancellationToken);
        }
        catch (Exception refused) when (refused is IOException or SocketException)
        {
            await application.DisposeAsync();
            // Kestrel gives an address in use as an IOException around the socket's own.
            var reason = refused.GetBaseException().Message;
            throw new WorkerFaultException(ErrorCode.Internal, $"--listen {listen} cannot be bound: {reason}; give a free port of an address of this machine, e.g. 0.0.0.0:0.", refused);
        }
    }

    private static void Configure(KestrelServerOptions options, IPEndPoint listen)
    {
        options.Limits.Http2.InitialConnectionWindowSize = 32 * 1024 * 1024;
        options.Limits.Http2.InitialStreamWindowSize = 16 * 1024 * 1024;
        options.Limits.Http2.MaxFrameSize = 1024 * 1024;
        options.Limits.MinRequestBodyDataRate = null;
        options.Limits.MinResponseDataRate = null;
        options.Limits.MaxRequestBodySize = null;
        options.AddServerHeader = false;
        options.Listen(listen, endpoint => endpoint.Protocols = HttpProtocols.Http2);
    }
}
