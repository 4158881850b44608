using System.Runtime.CompilerServices;
using Orchestrator.Worker.Runtime;

namespace Orchestrator.Worker.Tests.Runtime;

/// <summary>Loads libtorch, pinned to two threads, before any test touches <c>torch</c>.</summary>
internal static class TorchModule
{
    [ModuleInitializer]
#pragma warning disable CA2255 // A test assembly is an application: nothing else runs first.
    internal static void Load()
#pragma warning restore CA2255
    {
        NumericEnvironment.Configure(2, InstructionPaths.Best());
        LibTorchLoader.Load();
    }
}
