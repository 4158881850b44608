namespace Orchestrator.Integration.Tests.Readme;

/// <summary>A command that the README shows, and the lines it shows after it.</summary>
internal sealed record ConsoleStep(int Line, string Command, IReadOnlyList<string> Output);
