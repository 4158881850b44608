namespace Orchestrator.Coordinator.Storage;

/// <summary>By what somebody owns a folder.</summary>
/// <param name="Line">Whose owners follow one another: a job.</param>
/// <param name="Fence">The place in that line; the higher one is the later owner.</param>
/// <param name="GoesOn">The line may have had the folder before: if another line has it now, that one came later; else whatever other line has it came earlier.</param>
internal sealed record OwnerTitle(string Line, ulong Fence, bool GoesOn = false);
