namespace Orchestrator.Worker.Runtime;

/// <summary>The libtorch that this process runs on.</summary>
/// <param name="Directory">The folder its libraries were loaded from.</param>
/// <param name="Version">Version and build, e.g. "2.10.0-e59a73f8": equal only where the very same build is loaded.</param>
/// <param name="Cuda">Whether its CUDA part was loaded.</param>
/// <param name="WeakenedNeed">Whether TorchSharp's native part needed a private copy with a weak version need.</param>
internal sealed record LibTorchInstallation(string Directory, string Version, bool Cuda, bool WeakenedNeed);
