using Orchestrator.Worker.Kernels;
using Orchestrator.Worker.Runtime;
using TorchSharp;

namespace Orchestrator.Worker.Tests.Runtime;

public sealed class ThreadTeamTests
{
    // What the library multiplies fp32 with keeps a number of its own.
    private static unsafe int MklThreads() => ((delegate* unmanaged[Cdecl]<int>)LibTorchLoader.Export("MKL_Get_Max_Threads"))();

    [Fact]
    public async Task Of_OneThread_HoldsForTheCallingThreadUntilDisposed()
    {
        using var lane = new ComputeThread();
        using var other = new ComputeThread(NumericEnvironment.ApplyToCurrentThread);
        Assert.Equal(NumericEnvironment.Threads, await other.Run(torch.get_num_threads));
        await lane.Run(() =>
        {
            using (ThreadTeam.Of(1))
            {
                Assert.Equal((1, 1, 1), (ThreadTeam.Size, torch.get_num_threads(), MklThreads()));
                using (ThreadTeam.Of(NumericEnvironment.Threads))
                    Assert.Equal(NumericEnvironment.Threads, torch.get_num_threads());
                Assert.Equal(1, torch.get_num_threads());
                Assert.Equal(NumericEnvironment.Threads, other.Run(torch.get_num_threads).GetAwaiter().GetResult());
            }

            Assert.Equal((NumericEnvironment.Threads, NumericEnvironment.Threads, NumericEnvironment.Threads), (ThreadTeam.Size, torch.get_num_threads(), MklThreads()));
        });
    }

    /// <summary>A thread that comes later begins with the process's number.</summary>
    [Fact]
    public async Task Of_OneThread_IsNoOtherThreadsBeginning()
    {
        using var lane = new ComputeThread();
        await lane.Run(() =>
        {
            using var team = ThreadTeam.Of(1);
            using var later = new ComputeThread();
            Assert.Equal(NumericEnvironment.Threads, later.Run(torch.get_num_threads).GetAwaiter().GetResult());
        });
    }

    [Fact]
    public async Task Of_OneThread_OurKernelsStayOnIt()
    {
        using var lane = new ComputeThread();
        await lane.Run(() =>
        {
            var threads = new HashSet<int>();
            using var team = ThreadTeam.Of(1);
            KernelParallel.For(1000, 1, (_, _) => threads.Add(Environment.CurrentManagedThreadId));
            KernelParallel.Each(1000, _ => threads.Add(Environment.CurrentManagedThreadId));
            Assert.Equal([Environment.CurrentManagedThreadId], threads);
        });
    }
}
