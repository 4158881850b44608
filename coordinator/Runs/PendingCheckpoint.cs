using System.Collections.Immutable;
using Orchestrator.Coordinator.Checkpoints;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Runs;

/// <summary>A checkpoint in the making.</summary>
/// <param name="Draft">Its manifest without blobs; null: the step is not committed yet.</param>
/// <param name="Blobs">What is saved, by layer.</param>
internal sealed record PendingCheckpoint(CheckpointManifest? Draft, ImmutableSortedDictionary<uint, StateBlob> Blobs)
{
    public static readonly PendingCheckpoint Empty = new(null, ImmutableSortedDictionary<uint, StateBlob>.Empty);
}
