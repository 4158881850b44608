using System.Threading.Channels;
using Grpc.Core;
using Orchestrator.Protos;

namespace Orchestrator.Worker.Tests.Sessions;

/// <summary>A coordinator that admits every worker and does nothing of its own accord: the test speaks for it.</summary>
internal sealed class FakeCoordinator : WorkerAttachment.WorkerAttachmentBase
{
    private readonly Channel<WorkerMessage> _heard = Channel.CreateUnbounded<WorkerMessage>();
    private Channel<CoordinatorMessage> _commands = Channel.CreateUnbounded<CoordinatorMessage>();

    /// <summary>Waits for the next message but heartbeats.</summary>
    public Task<WorkerMessage> HearAsync() => HearAsync(message => message.BodyCase != WorkerMessage.BodyOneofCase.Heartbeat);

    /// <summary>Waits for a worker's attach request, and until it knows that it was admitted.</summary>
    public async Task<AttachRequest> AdmitAsync()
    {
        var attach = (await HearAsync()).Attach;
        await HearAsync(message => message.BodyCase == WorkerMessage.BodyOneofCase.Heartbeat);
        return attach;
    }

    public void Tell(CoordinatorMessage command) => Assert.True(_commands.Writer.TryWrite(command));

    /// <summary>Ends the stream that is open.</summary>
    public void EndStream() => _commands.Writer.Complete();

    public override async Task Attach(IAsyncStreamReader<WorkerMessage> requestStream, IServerStreamWriter<CoordinatorMessage> responseStream, ServerCallContext context)
    {
        var commands = _commands = Channel.CreateUnbounded<CoordinatorMessage>();
        await responseStream.WriteAsync(new CoordinatorMessage { Accepted = new AttachAccepted { Credential = "credential", HeartbeatSeconds = 0.1, LeaseSeconds = 3 } });
        _ = ReadAsync(requestStream, commands.Writer, context.CancellationToken);
        await foreach (var command in commands.Reader.ReadAllAsync(context.CancellationToken))
            await responseStream.WriteAsync(command);
    }

    private async Task<WorkerMessage> HearAsync(Func<WorkerMessage, bool> which)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (true)
        {
            var message = await _heard.Reader.ReadAsync(patience.Token);
            if (which(message))
                return message;
        }
    }

    // A worker that leaves is answered by the end of its stream.
    private async Task ReadAsync(IAsyncStreamReader<WorkerMessage> messages, ChannelWriter<CoordinatorMessage> commands, CancellationToken ended)
    {
        try
        {
            while (await messages.MoveNext(ended))
            {
                await _heard.Writer.WriteAsync(messages.Current, ended);
                if (messages.Current.BodyCase == WorkerMessage.BodyOneofCase.Leave)
                    break;
            }
        }
        catch (Exception broken) when (broken is IOException or OperationCanceledException or RpcException or InvalidOperationException)
        {
            // The worker ended the stream.
        }

        commands.TryComplete();
    }
}
