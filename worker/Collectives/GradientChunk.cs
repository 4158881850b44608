using System.Runtime.InteropServices;

namespace Orchestrator.Worker.Collectives;

/// <summary>A chunk of a stage's flat gradient: at most 65,536 elements of one parameter, counted from that parameter's start.</summary>
/// <param name="Index">Place in the job's order (layer, module, A then B, chunk).</param>
/// <param name="Offset">First element in the stage's flat buffer.</param>
/// <param name="Length">Elements.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct GradientChunk(uint Index, long Offset, int Length);
