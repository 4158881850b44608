namespace Orchestrator.Worker.Adapters;

/// <summary>A piece of one parameter that is reduced, summed and sent whole.</summary>
/// <param name="Index">Place in the job's order (layer, module, A then B, chunk): the same on every layout.</param>
/// <param name="Offset">First element in the flat buffer.</param>
/// <param name="Length">Elements: the job's chunk size, less in a parameter's last chunk.</param>
internal readonly record struct AdapterChunk(uint Index, long Offset, int Length);
