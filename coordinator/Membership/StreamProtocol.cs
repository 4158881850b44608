using System.Threading.Channels;
using Akka.Actor;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Membership;

/// <summary>To <see cref="WorkerDirectory"/> from a worker's stream whose token was good: may it speak for this worker?</summary>
/// <remarks>
/// Answered by <see cref="StreamOpened"/>. On admission the directory writes <paramref name="Accepted"/> first, then what the job says; it completes the outbox to end
/// the stream, after a last message with the reason. The outbox is bounded and written by the directory alone.
/// </remarks>
internal sealed record OpenStream(AttachedWorker Worker, ChannelWriter<CoordinatorMessage> Outbox, AttachAccepted Accepted) : INoSerializationVerificationNeeded;

/// <summary>The stream's number in this directory; its messages carry it, so that those of a replaced stream are known as stale.</summary>
internal sealed record StreamOpened(long Stream, bool Admitted);

/// <summary>To <see cref="WorkerDirectory"/>: a message that came over a stream. <paramref name="Handled"/> is released when it is handled: the stream's credit to read on.</summary>
internal sealed record StreamMessage(long Stream, WorkerKey Key, WorkerMessage Message, SemaphoreSlim Handled) : INoSerializationVerificationNeeded;

/// <summary>To <see cref="WorkerDirectory"/>: a stream ended or broke.</summary>
internal sealed record StreamClosed(long Stream, WorkerKey Key);
