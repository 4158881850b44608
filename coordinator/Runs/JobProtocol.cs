using Google.Protobuf.WellKnownTypes;

namespace Orchestrator.Coordinator.Runs;

/// <summary>A message to the entity of one job: the shard region finds the entity by its job.</summary>
/// <remarks>The messages are those of protocol.proto, so that they cross a node's border as they are.</remarks>
internal interface IJobMessage
{
    string Job { get; }
}

/// <summary>An event of a job's journal: it carries its time, so that applying it needs no clock.</summary>
internal interface IJobEvent
{
    Timestamp Time { get; set; }
}

internal sealed partial class SubmitJob : IJobMessage;

internal sealed partial class GetJob : IJobMessage;

internal sealed partial class WatchJob : IJobMessage;

internal sealed partial class CancelJob : IJobMessage;

internal sealed partial class OwnershipTaken : IJobEvent;

internal sealed partial class JobSubmitted : IJobEvent;

internal sealed partial class JobPrepared : IJobEvent;

internal sealed partial class JobWaits : IJobEvent;

internal sealed partial class JobPlaced : IJobEvent;

internal sealed partial class GenerationEnded : IJobEvent;

internal sealed partial class WorkerBound : IJobEvent;

internal sealed partial class WorkerGivenUp : IJobEvent;

internal sealed partial class GenerationStarted : IJobEvent;

internal sealed partial class TrainingStarted : IJobEvent;

internal sealed partial class WindowOpened : IJobEvent;

internal sealed partial class StepCommitted : IJobEvent;

internal sealed partial class StepEvaluated : IJobEvent;

internal sealed partial class CheckpointWritten : IJobEvent;

internal sealed partial class FailureDecided : IJobEvent;

internal sealed partial class FinishStarted : IJobEvent;

internal sealed partial class JobSucceeded : IJobEvent;

internal sealed partial class JobFailed : IJobEvent;

internal sealed partial class CancelRequested : IJobEvent;

internal sealed partial class JobCancelled : IJobEvent;
