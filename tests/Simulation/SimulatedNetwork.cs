namespace Orchestrator.Simulation;

/// <summary>What workers tell each other: lost and sent again until its receipt is here, doubled, late, in any order.</summary>
internal sealed class SimulatedNetwork(World world)
{
    private const double TroubleAfter = 3;

    private readonly HashSet<(string, string)> _cuts = [];

    /// <summary>Two workers do not reach each other for a while.</summary>
    public void Cut(string one, string other, double seconds)
    {
        world.Trace.Note("{0} and {1} do not reach each other for {2:0.0} s", one, other, seconds);
        _cuts.Add((one, other));
        _cuts.Add((other, one));
        world.Time.In(seconds, () =>
        {
            _cuts.Remove((one, other));
            _cuts.Remove((other, one));
        });
    }

    /// <summary>Sends something to a rank of a generation until it has arrived or the generation is over here.</summary>
    public void Send(SimulatedWorker from, SimulatedGeneration generation, uint to, Action<SimulatedPart> deliver, Action? received) =>
        new Message(world, this, from, generation, to, deliver, received).Try();

    private sealed class Message(World world, SimulatedNetwork network, SimulatedWorker from, SimulatedGeneration generation, uint to, Action<SimulatedPart> deliver, Action? received)
    {
        private readonly double _begun = world.Time.Now;
        private bool _isDone;

        public void Try()
        {
            if (_isDone || generation.IsBrokenOff || !from.IsAlive)
                return;
            var identity = generation.Peers[(int)to].Worker;
            var target = world.WorkerOf(identity);
            var isCut = network._cuts.Contains((from.Key.WorkerId, identity.WorkerId));
            if (target is not null && !isCut && !world.Chance(world.Scenario.Loss))
            {
                world.Time.In(world.PeerDelay(), () =>
                {
                    // What a worker had not sent to the last byte when it ended does not arrive.
                    if (from.IsAlive || world.Dice.Next(2) == 0)
                        target.Run(() => Arrive(target));
                });
                if (world.Chance(world.Scenario.Doubled))
                    world.Time.In(world.PeerDelay() + (world.Dice.NextDouble() * 2), () => target.Run(() => Again(target)));
            }
            else if (world.Time.Now - _begun > TroubleAfter)
            {
                generation.Troubled(to);
            }

            from.In(0.3 + (world.Dice.NextDouble() * 0.3) + (4 * world.Scenario.Delay), Try);
        }

        private void Arrive(SimulatedWorker target)
        {
            // Of an older generation: refused for good. Of one that has not started there: told to come again.
            if (target.Part is not { } part || part.Access.Generation < generation.Scope.Generation || (part.Access.Generation == generation.Scope.Generation && !part.Access.Started))
                return;
            if (part.Access.Generation > generation.Scope.Generation)
            {
                _isDone = true;
                return;
            }

            deliver(part);
            if (!world.Chance(world.Scenario.Loss))
                world.Time.In(world.PeerDelay(), () => from.Run(Done));
        }

        // What went over a stream that was open before: the receiver's own rules must drop it.
        private void Again(SimulatedWorker target)
        {
            if (target.Part is { } part)
                deliver(part);
        }

        private void Done()
        {
            if (_isDone || generation.IsBrokenOff)
                return;
            _isDone = true;
            received?.Invoke();
        }
    }
}
