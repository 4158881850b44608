using System.Runtime.CompilerServices;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;
using Orchestrator.Worker.Runtime;

namespace Orchestrator.Worker.Kernels;

/// <summary>Runs managed work on the OpenMP threads that libtorch's own operations use.</summary>
/// <remarks>
/// A second set of threads would fight the first for the same processors, and be woken and put to sleep between two operations of the library. Always the whole team is called, as the
/// library does, so it is never taken apart. Any thread may call; a team belongs to its caller. The entry point, GOMP_parallel, is the ABI of GCC's libgomp, which other OpenMP
/// libraries export too; where it is missing nothing runs and the caller uses threads of his own.
/// </remarks>
internal static unsafe class OpenMpTeam
{
    private static readonly Lazy<nint> Parallel = new(() => LibTorchLoader.Export("GOMP_parallel"));
    private static readonly Lazy<nint> ThreadNumber = new(() => LibTorchLoader.Export("omp_get_thread_num"));

    /// <summary>Calls <paramref name="body"/> once with each of 0 to <paramref name="parts"/> - 1; false if there is no team and nothing ran.</summary>
    public static bool TryRun(int parts, Action<int> body)
    {
        if (LibTorchLoader.Loaded is null || Parallel.Value == 0 || ThreadNumber.Value == 0)
            return false;
        var threads = ThreadTeam.Size;
        var work = new Work(parts, threads, body);
        var handle = GCHandle.Alloc(work);
        try
        {
            ((delegate* unmanaged[Cdecl]<delegate* unmanaged[Cdecl]<nint, void>, nint, uint, uint, void>)Parallel.Value)(&Run, GCHandle.ToIntPtr(handle), (uint)threads, 0);
        }
        finally
        {
            handle.Free();
        }

        // A team that is smaller than asked for leaves nothing undone: its threads take parts until none is left.
        work.Failure?.Throw();
        return true;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void Run(nint data) => ((Work)GCHandle.FromIntPtr(data).Target!).TakeParts(((delegate* unmanaged[Cdecl]<int>)ThreadNumber.Value)());

    /// <summary>Parts that the team's threads take one after the other: each begins with a range of its own, the same in every call, whose data it may still have in its caches, and then helps the others.</summary>
    private sealed class Work(int parts, int threads, Action<int> body)
    {
        private readonly int[] _taken = new int[threads];

        public ExceptionDispatchInfo? Failure { get; private set; }

        public void TakeParts(int thread)
        {
            for (var i = 0; i < threads; i++)
                TakeRange((thread + i) % threads);
        }

        private void TakeRange(int range)
        {
            var (first, end) = ((int)((long)parts * range / threads), (int)((long)parts * (range + 1) / threads));
            for (var part = first + Interlocked.Increment(ref _taken[range]) - 1; part < end; part = first + Interlocked.Increment(ref _taken[range]) - 1)
            {
                try
                {
                    body(part);
                }
#pragma warning disable CA1031 // An exception must not pass through the library; the caller throws it.
                catch (Exception failure)
#pragma warning restore CA1031
                {
                    Failure = ExceptionDispatchInfo.Capture(failure);
                }
            }
        }
    }
}
