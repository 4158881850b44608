namespace Orchestrator.Coordinator.Jobs;

/// <summary>Where a piece of the job came from: the document or one option of the command line.</summary>
/// <param name="Name">The document's name, or the option as it was given.</param>
/// <param name="Folder">What relative paths are relative to.</param>
/// <param name="Order">0 for the document, then the options in order.</param>
internal sealed record YamlSource(string Name, string Folder, int Order);
