using System.Threading.Channels;
using Akka.Actor;
using Akka.Hosting;
using Grpc.Core;
using Orchestrator.Coordinator.Membership;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Api;

/// <summary>A worker's stream: reads its messages into the directory and writes what the directory has for it.</summary>
/// <remarks>
/// Two loops a stream. Both queues are bounded: the outbox by its capacity (a worker that does not read is lost), the inbox by credits that the
/// directory gives back, so that a flooding worker is slowed by HTTP/2's own flow control.
/// </remarks>
internal sealed class WorkerAttachmentService(IReadOnlyActorRegistry actors, AccessTokens tokens, MembershipOptions options) : WorkerAttachment.WorkerAttachmentBase
{
    private static readonly TimeSpan AskTimeout = TimeSpan.FromSeconds(10);

    public override async Task Attach(
        IAsyncStreamReader<WorkerMessage> requestStream, IServerStreamWriter<CoordinatorMessage> responseStream, ServerCallContext context)
    {
        var first = await requestStream.MoveNext(context.CancellationToken) ? requestStream.Current : null;
        var (worker, failure) = AttachRequests.Read(first, tokens);
        if (worker is null)
        {
            await responseStream.WriteAsync(new CoordinatorMessage { Refused = failure }, context.CancellationToken);
            return;
        }

        var directory = actors.Get<WorkerDirectory>();
        var outbox = Channel.CreateBounded<CoordinatorMessage>(new BoundedChannelOptions(options.OutboxCapacity) { SingleReader = true });
        var opened = await directory.Ask<StreamOpened>(new OpenStream(worker, outbox.Writer, Accepted()), AskTimeout, context.CancellationToken);
        using var ended = CancellationTokenSource.CreateLinkedTokenSource(context.CancellationToken);
        var reading = opened.Admitted ? ReadAsync(requestStream, directory, opened.Stream, worker.Key, outbox.Writer, ended.Token) : Task.CompletedTask;
        try
        {
            await foreach (var message in outbox.Reader.ReadAllAsync(ended.Token))
            {
                await responseStream.WriteAsync(message, ended.Token);
            }
        }
        catch (Exception broken) when (IsBroken(broken))
        {
            // The directory learns it below; the worker opens the stream again.
        }
        finally
        {
            await ended.CancelAsync();
            await reading;
            directory.Tell(new StreamClosed(opened.Stream, worker.Key));
        }
    }

    private async Task ReadAsync(
        IAsyncStreamReader<WorkerMessage> requests, IActorRef directory, long stream, WorkerKey key, ChannelWriter<CoordinatorMessage> outbox, CancellationToken ended)
    {
        // Not disposed: messages that still wait in the directory's mailbox give their credit back later.
        var credits = new SemaphoreSlim(options.InboxCapacity);
        try
        {
            while (await requests.MoveNext(ended))
            {
                await credits.WaitAsync(ended);
                directory.Tell(new StreamMessage(stream, key, requests.Current, credits));
            }
        }
        catch (Exception broken) when (IsBroken(broken))
        {
            // As above.
        }

        outbox.TryComplete();
    }

    private AttachAccepted Accepted() => new()
    {
        Credential = tokens.WorkerCredential,
        LeaseSeconds = options.Lease.TotalSeconds,
        HeartbeatSeconds = options.Heartbeat.TotalSeconds,
    };

    private static bool IsBroken(Exception exception) => exception is OperationCanceledException or IOException or RpcException or InvalidOperationException;
}
