using System.Collections.Frozen;
using Google.Protobuf;
using Orchestrator.Coordinator.Runs;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Clustering;

/// <summary>The closed table of everything that is journaled or crosses a node's border: our own names, never those of CLR types.</summary>
/// <remarks>
/// A type may be renamed or moved freely; a manifest, once written to a journal, means the same message for ever. What is not here
/// cannot be journaled or sent.
/// </remarks>
internal static class ClosedManifest
{
    private static readonly (string Manifest, MessageParser Parser)[] Table =
    [
        ("job.event.ownership-taken.1", OwnershipTaken.Parser),
        ("job.event.submitted.1", JobSubmitted.Parser),
        ("job.event.prepared.1", JobPrepared.Parser),
        ("job.event.waits.1", JobWaits.Parser),
        ("job.event.placed.1", JobPlaced.Parser),
        ("job.event.worker-bound.1", WorkerBound.Parser),
        ("job.event.generation-ended.1", GenerationEnded.Parser),
        ("job.event.worker-given-up.1", WorkerGivenUp.Parser),
        ("job.event.generation-started.1", GenerationStarted.Parser),
        ("job.event.training-started.1", TrainingStarted.Parser),
        ("job.event.window-opened.1", WindowOpened.Parser),
        ("job.event.step-committed.1", StepCommitted.Parser),
        ("job.event.step-evaluated.1", StepEvaluated.Parser),
        ("job.event.checkpoint-written.1", CheckpointWritten.Parser),
        ("job.event.failure-decided.1", FailureDecided.Parser),
        ("job.event.finish-started.1", FinishStarted.Parser),
        ("job.event.succeeded.1", JobSucceeded.Parser),
        ("job.event.failed.1", JobFailed.Parser),
        ("job.event.cancel-requested.1", CancelRequested.Parser),
        ("job.event.cancelled.1", JobCancelled.Parser),
        ("job.submit.1", SubmitJob.Parser),
        ("job.get.1", GetJob.Parser),
        ("job.watch.1", WatchJob.Parser),
        ("job.cancel.1", CancelJob.Parser),
        ("job.not-journaled.1", NotJournaled.Parser),
        ("job.status.1", JobStatus.Parser),
        ("job.submit-reply.1", SubmitJobReply.Parser),
    ];

    private static readonly FrozenDictionary<string, MessageParser> Parsers = Table.ToFrozenDictionary(row => row.Manifest, row => row.Parser);

    private static readonly FrozenDictionary<Type, string> Manifests =
        Table.ToFrozenDictionary(row => row.Parser.ParseFrom(ByteString.Empty).GetType(), row => row.Manifest);

    public static IEnumerable<string> Names => Parsers.Keys;

    public static IEnumerable<Type> Types => Manifests.Keys;

    /// <exception cref="ArgumentException">The message is not in the table.</exception>
    public static string NameOf(object message) => Manifests.TryGetValue(message.GetType(), out var manifest)
        ? manifest
        : throw new ArgumentException($"{message.GetType()} has no manifest: it can neither be journaled nor sent.", nameof(message));

    /// <exception cref="ArgumentException">The manifest is not in the table.</exception>
    public static IMessage Parse(string manifest, byte[] bytes) => Parsers.TryGetValue(manifest, out var parser)
        ? parser.ParseFrom(bytes)
        : throw new ArgumentException($"The manifest '{manifest}' is unknown: it was written by a newer version or by another program.", nameof(manifest));
}
