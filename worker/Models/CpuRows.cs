using TorchSharp;

namespace Orchestrator.Worker.Models;

/// <summary>Runs row-wise work on as many threads as libtorch uses.</summary>
/// <remarks>Each row is computed whole by one thread, so the cut among threads changes no bit.</remarks>
internal static class CpuRows
{
    /// <summary>Calls <paramref name="body"/> for every row, in parallel and in any order.</summary>
    public static void ForEach(int rows, Action<int> body)
    {
        var threads = Math.Min(rows, torch.get_num_threads());
        if (threads <= 1)
        {
            for (var row = 0; row < rows; row++)
            {
                body(row);
            }

            return;
        }

        Parallel.For(0, threads, new ParallelOptions { MaxDegreeOfParallelism = threads }, thread =>
        {
            var end = (int)((long)rows * (thread + 1) / threads);
            for (var row = (int)((long)rows * thread / threads); row < end; row++)
            {
                body(row);
            }
        });
    }
}
