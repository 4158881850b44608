using System.Runtime.InteropServices;

namespace Orchestrator.Worker.BaseCache;

/// <summary>A file as it was at one moment: another content has another size or another time.</summary>
/// <param name="Bytes">Its size.</param>
/// <param name="ChangedTicks">When its content was changed last, in the system's ticks of 100 ns.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct FileVersion(long Bytes, long ChangedTicks);
