using Orchestrator.Worker.Adapters;
using Orchestrator.Worker.Kernels;
using TorchSharp;

namespace Orchestrator.Worker.Tests.Adapters;

public sealed class AdapterHistoryTests : IDisposable
{
    private readonly AdapterState _state = AdapterState.Create(AdapterStateTests.Stage(AdapterStateTests.Module(0, 6, 4, 2, 0)), torch.CPU);
    private readonly AdapterHistory _history;
    private readonly List<byte[]> _hashes = [];

    public AdapterHistoryTests() => _history = new AdapterHistory(_state.Layout);

    public void Dispose()
    {
        _history.Dispose();
        _state.Dispose();
    }

    [Fact]
    public void Keep_StepAfterStep_HoldsTheBitsOfTheLastTwo()
    {
        Keep(0, 1, 2, 3);
        Assert.Equal([2UL, 3UL], _history.Steps);
        Assert.Equal([_hashes[2], _hashes[3]], [_history.At(2)!.Hash(), _history.At(3)!.Hash()]);
        Assert.Null(_history.At(1));
    }

    /// <summary>Snapshots are used again, but never one that is being written or sent.</summary>
    [Fact]
    public void Keep_WhileOneIsPinned_LeavesItAsItIs()
    {
        Keep(0, 1);
        using var pin = _history.Pin(0);
        using var second = _history.Pin(0);
        Keep(2, 3, 4);
        second.Dispose();
        second.Dispose();
        Keep(5, 6);
        Assert.Equal(0UL, pin.Snapshot.Step);
        Assert.Equal(_hashes[0], AdapterStateTests.HashOf(pin.Snapshot));
        var pinned = pin.Snapshot;
        pin.Dispose();
        Keep(7);
        Assert.Same(pinned, _history.At(7));
    }

    /// <summary>A pin that ends while its state is held frees nothing: the memory is still the history's.</summary>
    [Fact]
    public void Unpin_WhileTheStateIsHeld_LeavesItsBitsAlone()
    {
        Keep(0, 1);
        _history.Pin(1).Dispose();
        Keep(2);
        Assert.Equal([_hashes[1], _hashes[2]], [AdapterStateTests.HashOf(_history.At(1)!), AdapterStateTests.HashOf(_history.At(2)!)]);
    }

    [Fact]
    public void BackTo_AStep_RestoresItsBits()
    {
        Keep(0, 1, 2);
        Assert.False(_history.BackTo(0));
        Assert.True(_history.BackTo(1));
        _state.Restore(_history.At(1)!);
        Assert.Equal(_hashes[1], _state.Hash());
        Assert.Equal([1UL], _history.Steps);
        Assert.Throws<InvalidOperationException>(() => _history.Pin(2));
    }

    // The state changes before each.
    private void Keep(params ulong[] steps)
    {
        foreach (var step in steps)
        {
            using (torch.no_grad())
                _state.Moments[0].Add(1);
            _hashes.Add(_state.Hash());
            _history.Keep(_state, step);
        }
    }
}
