using Orchestrator.Coordinator.Jobs;

namespace Orchestrator.Coordinator.Checkpoints;

/// <summary>What was found in a folder of checkpoints.</summary>
/// <param name="Newest">The newest one that is complete and undamaged; null: none is.</param>
/// <param name="Damaged">A sentence for each newer one that has a manifest and cannot be used.</param>
/// <param name="NewestManifest">The newest manifest that can be read, also where its blobs are damaged: it knows the job; null: none can be.</param>
internal sealed record CheckpointSearch(CheckpointManifest? Newest, ValueList<string> Damaged, CheckpointManifest? NewestManifest);
