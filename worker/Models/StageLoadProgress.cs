namespace Orchestrator.Worker.Models;

/// <summary>How far the loading of a stage has come; numbers only grow.</summary>
/// <param name="LayersLoaded">Decoder layers that are in memory.</param>
/// <param name="Sources">Where the weights' bytes came from so far.</param>
/// <param name="ResidentBytes">Bytes that the loaded weights take.</param>
internal readonly record struct StageLoadProgress(uint LayersLoaded, BaseSources Sources, ulong ResidentBytes);
