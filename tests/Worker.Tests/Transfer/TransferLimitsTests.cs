using Orchestrator.Protos;
using Orchestrator.Worker.Transfer;

namespace Orchestrator.Worker.Tests.Transfer;

/// <summary>What a peer may declare, kind by kind: a limit that is another kind's would let memory be taken that the job has no use for.</summary>
public sealed class TransferLimitsTests
{
    [Fact]
    public void Of_AnyKind_IsItsOwnLimitAndNoneOfWhatNobodySends()
    {
        var limits = new TransferLimits(3000, 200, 50);
        var expected = new Dictionary<TensorKind, ulong>
        {
            [TensorKind.Activation] = 3000,
            [TensorKind.ActivationGradient] = 3000,
            [TensorKind.EvaluationActivation] = 3000,
            [TensorKind.PartialGradient] = 200,
            [TensorKind.ReducedGradient] = 200,
            [TensorKind.EvaluationCredit] = 1,
            [TensorKind.State] = 50,
        };
        Assert.All(Enum.GetValues<TensorKind>(), kind => Assert.Equal(expected.TryGetValue(kind, out var limit) ? limit : (ulong?)null, limits.Of(kind)));
    }
}
