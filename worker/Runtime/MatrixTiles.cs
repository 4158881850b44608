using System.Runtime.InteropServices;
using System.Runtime.Intrinsics.X86;

namespace Orchestrator.Worker.Runtime;

/// <summary>Whether this process may use the processor's tiles of bfloat16 (AMX).</summary>
/// <remarks>
/// Linux keeps a tile's 8 KB of state away from a process until it asks (arch_prctl, since 5.16), and a sandbox or an older kernel says
/// no: what CPUID names is not enough. What is granted here is granted to the libraries, for the process's life.
/// </remarks>
internal static partial class MatrixTiles
{
    private const long ArchPrctl = 158;
    private const long RequestPermission = 0x1023;
    private const long TileData = 18;

    // CPUID leaf 7, subleaf 0, EDX.
    private const int Bfloat16 = 1 << 22;
    private const int Tiles = 1 << 24;

    private static readonly Lazy<bool> Granted = new(Ask);

    public static bool AreUsable => Granted.Value;

    private static bool Ask()
        => X86Base.IsSupported && (X86Base.CpuId(7, 0).Edx & (Bfloat16 | Tiles)) == (Bfloat16 | Tiles) && SystemCall(ArchPrctl, RequestPermission, TileData) == 0;

    [LibraryImport("libc", EntryPoint = "syscall")]
    private static partial long SystemCall(long number, long first, long second);
}
