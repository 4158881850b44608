using System.Runtime.CompilerServices;
using Orchestrator.Worker.Models;
using TorchSharp;

namespace Orchestrator.Worker.Tests.Models;

[Collection(nameof(AloneCollection))]
public sealed class PassContextTests
{
    /// <summary>A tensor of no dispose scope that only the backward's closure holds, and a collection after its last use: as while libtorch computes with its address.</summary>
    [Fact]
    public void Guard_WhileABackwardRuns_HoldsTheTensorsThatItClosesOver()
    {
        using var like = torch.zeros(1);
        var pass = new PassContext(new MicroBatchTokens([0], [1], [0], [0], packed: true), 1, 0, 0, training: true);

        // Only optimised code lets go of a variable after its last use: calls are counted after a first pause, and what ran some thirty times is compiled during another one; some rounds more allow for a busy machine.
        for (var round = 0; round < 8; round++)
        {
            for (var i = 0; i < 50; i++)
                Assert.True(IsHeld(pass, like), $"collected in call {i} of round {round}");
            Thread.Sleep(TimeSpan.FromSeconds(0.25));
        }
    }

    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static bool IsHeld(PassContext pass, torch.Tensor like)
    {
        var held = false;
        var (backward, reference) = Backward(isHeld => held = isHeld);
        pass.Guard(like, backward).Dispose();
        Assert.NotNull(reference);
        return held;
    }

    [MethodImpl(MethodImplOptions.NoInlining | MethodImplOptions.AggressiveOptimization)]
    private static (Func<torch.Tensor> Backward, WeakReference Reference) Backward(Action<bool> told)
    {
        var gradient = torch.ones(1);
        var reference = new WeakReference(gradient);
        return ([MethodImpl(MethodImplOptions.AggressiveOptimization)] () =>
        {
            // All that it reads of the closure it reads before: what is left is an address, as libtorch has it.
            var (tell, made) = (told, reference);
            var address = gradient.Handle;
            GC.Collect();
            tell(address != 0 && made.IsAlive);
            return torch.zeros(1);
        }, reference);
    }
}
