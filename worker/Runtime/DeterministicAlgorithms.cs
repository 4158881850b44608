using System.Runtime.InteropServices;

namespace Orchestrator.Worker.Runtime;

/// <summary>The flag of libtorch's context that makes its operations take deterministic algorithms, or fail where there is none.</summary>
/// <remarks>
/// What <c>torch.use_deterministic_algorithms</c> sets. TorchSharp has no call for it, so libtorch_cpu's own functions are called under the names that the
/// Itanium C++ ABI gives them (<see cref="LibTorchLoader.RequiredVersion"/> fixes them): the context's address is the first argument. One flag a process; libtorch must be loaded.
/// </remarks>
internal static unsafe class DeterministicAlgorithms
{
    // at::globalContext(), at::Context::setDeterministicAlgorithms(bool, bool) and at::Context::deterministicAlgorithms() const.
    private const string GlobalContext = "_ZN2at13globalContextEv";
    private const string Setter = "_ZN2at7Context26setDeterministicAlgorithmsEbb";
    private const string Getter = "_ZNK2at7Context23deterministicAlgorithmsEv";

    /// <summary>Whether operations without a deterministic algorithm fail.</summary>
    public static bool Required
    {
        get => ((delegate* unmanaged[Cdecl]<nint, byte>)Export(Getter))(Context()) != 0;
        set => ((delegate* unmanaged[Cdecl]<nint, byte, byte, void>)Export(Setter))(Context(), (byte)(value ? 1 : 0), 0);
    }

    private static nint Context() => ((delegate* unmanaged[Cdecl]<nint>)Export(GlobalContext))();

    private static nint Export(string name)
    {
        var loaded = LibTorchLoader.Loaded ?? throw new InvalidOperationException("libtorch is not loaded yet");
        return NativeLibrary.GetExport(NativeLibrary.Load(Path.Combine(loaded.Directory, "libtorch_cpu.so")), name);
    }
}
