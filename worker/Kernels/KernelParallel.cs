using Orchestrator.Worker.Runtime;

namespace Orchestrator.Worker.Kernels;

/// <summary>Cuts independent work over the calling thread's team.</summary>
/// <remarks>Only for work whose parts do not meet: the cut follows the thread count, so no sum may cross it.</remarks>
internal static class KernelParallel
{
    /// <summary>Calls <paramref name="body"/> with ranges [from, to) that cover 0 to <paramref name="count"/>, each of at least <paramref name="least"/> but the last.</summary>
    public static void For(long count, long least, Action<long, long> body)
    {
        var parts = (int)Math.Min(ThreadTeam.Size, count / Math.Max(1, least));
        if (parts <= 1)
        {
            body(0, count);
            return;
        }

        void Part(int part) => body(count * part / parts, count * (part + 1) / parts);
        if (!OpenMpTeam.TryRun(parts, Part))
            Parallel.For(0, parts, new ParallelOptions { MaxDegreeOfParallelism = parts }, Part);
    }

    /// <summary>Calls <paramref name="body"/> once with each of 0 to <paramref name="count"/> - 1; the threads take what is left, so unequal items even out.</summary>
    public static void Each(int count, Action<int> body)
    {
        if (ThreadTeam.Size == 1 || count == 1)
        {
            for (var i = 0; i < count; i++)
                body(i);
        }
        else if (!OpenMpTeam.TryRun(count, body))
        {
            Parallel.For(0, count, new ParallelOptions { MaxDegreeOfParallelism = ThreadTeam.Size }, body);
        }
    }
}
