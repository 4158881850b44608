using System.Runtime.InteropServices;

namespace Orchestrator.Worker.Tests.Models;

/// <summary>What malloc has handed out, libtorch's tensors among it: now, and at most while something runs.</summary>
internal static partial class MemoryPeak
{
    /// <summary>Bytes in all arenas and by mmap.</summary>
    public static long InUse()
    {
        var info = Mallinfo2();
        return (long)(info.InUse + info.Mapped);
    }

    /// <summary>The most bytes seen while <paramref name="work"/> runs.</summary>
    /// <remarks>
    /// A thread looks about every millisecond. A copy of what a whole pass keeps takes far longer to write, so it is seen, while what lives for less than that may not be.
    /// </remarks>
    public static long During(Action work)
    {
        var highest = InUse();
        var done = false;
        var looking = new Thread(() =>
        {
            while (!Volatile.Read(ref done))
            {
                highest = Math.Max(highest, InUse());
                Thread.Sleep(TimeSpan.FromMilliseconds(0.2));
            }
        })
        { IsBackground = true };
        looking.Start();
        try
        {
            work();
        }
        finally
        {
            Volatile.Write(ref done, true);
            looking.Join();
        }

        return Math.Max(highest, InUse());
    }

    [LibraryImport("libc", EntryPoint = "mallinfo2")]
    private static partial MallocInfo Mallinfo2();

    [StructLayout(LayoutKind.Sequential)]
    private readonly struct MallocInfo
    {
        private readonly nuint _arena;
        private readonly nuint _freeChunks;
        private readonly nuint _fastChunks;
        private readonly nuint _mappings;
        public readonly nuint Mapped;
        private readonly nuint _unused;
        private readonly nuint _fastBytes;
        public readonly nuint InUse;
        private readonly nuint _freeBytes;
        private readonly nuint _top;
    }
}
