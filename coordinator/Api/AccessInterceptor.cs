using Grpc.Core;
using Grpc.Core.Interceptors;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Api;

/// <summary>Lets a call pass whose <c>authorization: Bearer</c> is what its service asks for.</summary>
/// <remarks>Users' services ask for the user's token, workers' for the credential of their attach. The attach stream itself proves itself by its first message.</remarks>
internal sealed class AccessInterceptor(AccessTokens tokens) : Interceptor
{
    private const string Header = "authorization";
    private const string Scheme = "Bearer ";
    private static readonly string AttachPrefix = $"/{WorkerAttachment.Descriptor.FullName}/";
    private static readonly string ShardsPrefix = $"/{DataShards.Descriptor.FullName}/";

    public override Task<TResponse> UnaryServerHandler<TRequest, TResponse>(
        TRequest request, ServerCallContext context, UnaryServerMethod<TRequest, TResponse> continuation)
    {
        Check(context);
        return continuation(request, context);
    }

    public override Task<TResponse> ClientStreamingServerHandler<TRequest, TResponse>(
        IAsyncStreamReader<TRequest> requestStream, ServerCallContext context, ClientStreamingServerMethod<TRequest, TResponse> continuation)
    {
        Check(context);
        return continuation(requestStream, context);
    }

    public override Task ServerStreamingServerHandler<TRequest, TResponse>(
        TRequest request, IServerStreamWriter<TResponse> responseStream, ServerCallContext context, ServerStreamingServerMethod<TRequest, TResponse> continuation)
    {
        Check(context);
        return continuation(request, responseStream, context);
    }

    public override Task DuplexStreamingServerHandler<TRequest, TResponse>(
        IAsyncStreamReader<TRequest> requestStream, IServerStreamWriter<TResponse> responseStream, ServerCallContext context,
        DuplexStreamingServerMethod<TRequest, TResponse> continuation)
    {
        Check(context);
        return continuation(requestStream, responseStream, context);
    }

    private void Check(ServerCallContext context)
    {
        if (context.Method.StartsWith(AttachPrefix, StringComparison.Ordinal))
        {
            return;
        }

        var expected = context.Method.StartsWith(ShardsPrefix, StringComparison.Ordinal) ? tokens.WorkerCredential : tokens.UserToken;
        var given = context.RequestHeaders.GetValue(Header);
        if (given is null || !given.StartsWith(Scheme, StringComparison.Ordinal) || !AccessTokens.Same(given[Scheme.Length..], expected))
        {
            throw new RpcException(new Status(StatusCode.Unauthenticated, "The token is missing or wrong; send 'authorization: Bearer TOKEN'."));
        }
    }
}
