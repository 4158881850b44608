using System.Runtime.InteropServices;

namespace Orchestrator.Worker.Stages;

/// <summary>What a worker does at one moment.</summary>
/// <param name="Text">For people.</param>
/// <param name="Progress">Grows with every piece of work.</param>
/// <param name="Waits">For another worker or the coordinator: no progress is expected.</param>
/// <param name="StuckAfter">Without waiting and without progress for so long it is stuck: 20 s, or ten times its longest operation so far.</param>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct StageActivityReading(string Text, ulong Progress, bool Waits, TimeSpan StuckAfter);
