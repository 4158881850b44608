namespace Orchestrator.Worker.Runtime;

/// <summary>One fact about this machine, and whether it stands in a worker's way.</summary>
/// <param name="Subject">"driver", "libtorch", "device", "instructions", "glibc", …</param>
/// <param name="Text">What was found.</param>
/// <param name="IsProblem">Whether somebody should do something about it: a worker with these options cannot run, or runs slowly.</param>
internal sealed record DoctorFinding(string Subject, string Text, bool IsProblem = false);
