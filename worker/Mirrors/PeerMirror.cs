using Orchestrator.Protos;
using Orchestrator.Worker.Adapters;
using Orchestrator.Worker.Transfer;

namespace Orchestrator.Worker.Mirrors;

/// <summary>Mirrors a stage's state in another worker's host memory: a tensor a layer, then the seal.</summary>
/// <param name="history">Holds the states.</param>
/// <param name="link">The way to the other one.</param>
/// <param name="scope">Job and generation.</param>
/// <param name="rank">This worker's.</param>
/// <param name="partner">The other one's.</param>
/// <param name="layers">First and last decoder layer of the stage.</param>
internal sealed class PeerMirror(AdapterHistory history, IPeerLink link, JobScope scope, uint rank, uint partner, (uint First, uint Last) layers) : StateMirror(history)
{
    public override uint? Partner => partner;

    protected override Task HandOverAsync(SnapshotPin pin)
    {
        var arrived = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using (pin)
            SendAll(pin.Snapshot, arrived);
        return arrived.Task;
    }

    private void SendAll(AdapterSnapshot state, TaskCompletionSource arrived)
    {
        var missing = state.Layout.Layers.Count + 1;
        void Received()
        {
            if (Interlocked.Decrement(ref missing) == 0)
                arrived.TrySetResult();
        }

        foreach (var layer in state.Layout.Layers)
            Send(state.Step, layer.Layer, DType.F32, LayerPieces.Of(state, layer), Received);
        Send(state.Step, MirrorSeals.Index, DType.U8, MirrorSeals.Write(MirrorSeals.Of(state, layers.First, layers.Last)), Received);
    }

    private void Send(ulong step, uint index, DType dtype, TensorBuffer buffer, Action received) =>
        link.Send(partner, new TensorKey(scope.Job, scope.Generation, step, rank, TensorKind.Mirror, index), dtype, buffer, received);
}
