using Orchestrator.Worker.Commit;

namespace Orchestrator.Simulation;

/// <summary>Hands a stage's state over after each step, while the next one computes: to another worker, or to a file of the cache.</summary>
/// <param name="worker">The worker.</param>
/// <param name="part">Its part in the job.</param>
/// <param name="generation">Its generation.</param>
/// <param name="mirrors">Whether the job mirrors at all.</param>
/// <param name="arrived">Told when a state has arrived.</param>
internal sealed class SimulatedMirror(SimulatedWorker worker, SimulatedPart part, SimulatedGeneration generation, bool mirrors, Action arrived)
{
    private readonly (MirrorKind Kind, uint Partner) _rule = mirrors
        ? MirrorRule.PartnerOf(generation.Rank, (int)generation.Stage.NumReplicas, (int)generation.Stage.NumStages)
        : (MirrorKind.None, generation.Rank);

    public MirrorKind Kind => _rule.Kind;

    /// <summary>The newest step whose state has arrived; null: none has.</summary>
    public ulong? Arrived { get; private set; }

    public void HandOver(ulong step)
    {
        if (Kind == MirrorKind.File)
        {
            var state = part.Holdings.At(step);
            generation.In(worker.World.Dice.NextDouble() * 0.1, () =>
            {
                worker.World.WriteFile(worker.Key.WorkerId, step, state, worker.Outbox.ReportsOf(World.Job));
                Arrive(step);
            });
        }
        else if (Kind == MirrorKind.Peer)
        {
            Send(step);
        }
    }

    private void Send(ulong step)
    {
        var state = part.Holdings.At(step);
        var missing = state.Count + 1;
        void Received()
        {
            if (--missing == 0)
                Arrive(step);
        }

        foreach (var (layer, value) in state)
            generation.SendState(_rule.Partner, step, layer, value, seal: null, isMirror: true, Received);
        var (low, high) = Truth.HalvesOf(state);
        generation.SendState(_rule.Partner, step, uint.MaxValue, 0, new MirrorSeal(state.Keys.First(), state.Keys.Last(), (uint)state.Count, low, high), isMirror: true, Received);
    }

    private void Arrive(ulong step)
    {
        Arrived = Math.Max(Arrived ?? 0, step);
        arrived();
    }
}
