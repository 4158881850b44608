using Orchestrator.Protos;
using Orchestrator.Worker.Commit;
using Orchestrator.Worker.Runtime;

namespace Orchestrator.Worker.Tests.Commit;

public sealed class StateSourcesTests
{
    private static readonly StateTransfer[] Transfers =
    [
        new() { FirstLayer = 0, LastLayer = 9, FromRank = 2, ToRank = 0 },
        new() { FirstLayer = 3, LastLayer = 4, FromRank = 1, ToRank = 1 },
        new() { FirstLayer = 4, LastLayer = 5, FromRank = 2, ToRank = 1 },
    ];

    [Fact]
    public void Of_EachLayer_IsHeldElseGivenElseLoaded()
    {
        var sources = StateSources.Of(7, [3, 4, 5, 6], layer => layer is 3 or 4, 1, Transfers, loadedStep: 7);
        Assert.Equal([new(3, StateSource.Held, 1), new(4, StateSource.Held, 1), new(5, StateSource.Transfer, 2), new LayerSource(6, StateSource.Loaded, 1)], sources);
    }

    [Fact]
    public void Of_WhatWasLoadedForAnotherStep_IsNoSource() =>
        Assert.Contains("no state of layer 6", Assert.Throws<WorkerFaultException>(() => StateSources.Of(7, [6], _ => false, 1, Transfers, loadedStep: 0)).Message, StringComparison.Ordinal);
}
