namespace Orchestrator.Simulation;

/// <summary>Ends, stops, cuts and drains whatever there is, before any event, until it has done so often enough; then the world is calm and the job has to finish.</summary>
internal sealed class Faults(World world)
{
    private const double CalmAfter = 60;

    private readonly int _rarity = world.Dice.Next(3) switch { 0 => 12, 1 => 40, _ => 120 };
    private int _left = world.Scenario.Faults;
    private bool _isStriking;

    /// <summary>From when on nothing more happens; infinite: not yet.</summary>
    public double CalmSince { get; private set; } = double.PositiveInfinity;

    public bool IsCalm => !double.IsPositiveInfinity(CalmSince);

    /// <summary>Workers that were taken since a step was last committed: a step that loses three fails the job, as it should.</summary>
    public int LossesInARow { get; set; }

    /// <summary>Something is about to happen in a worker.</summary>
    public void Consider(SimulatedWorker worker)
    {
        if (IsCalm || _isStriking)
            return;
        if (EndsNow() || world.Dice.Next(_rarity) != 0)
            return;
        _left--;
        _isStriking = true;
        Strike(world.Dice.Next(2) == 0 ? worker : world.AnyWorker());
        _isStriking = false;
    }

    /// <summary>Whether there are no more faults.</summary>
    public bool EndsNow()
    {
        if (!IsCalm && (_left <= 0 || world.Time.Now > CalmAfter))
        {
            CalmSince = world.Time.Now;
            world.Trace.Note("no more faults");
        }

        return IsCalm;
    }

    /// <summary>Whether the coordinator ends between a write and what should follow from it, or between two things that follow.</summary>
    public bool StrikesCoordinator()
    {
        if (IsCalm || _left <= 0 || world.Dice.Next(2 * _rarity) != 0)
            return false;
        _left--;
        world.EndCoordinator(Downtime());
        return true;
    }

    private double Downtime() => world.Dice.Next(4) == 0 ? world.Dice.NextDouble() * 8 : world.Dice.NextDouble();

    private void Strike(SimulatedWorker worker)
    {
        switch (world.Dice.Next(12))
        {
            case 0 or 1 or 2 or 3:
                Kill(worker);
                break;
            case 4:
                Freeze(worker);
                break;
            case 5:
                world.Trace.Note("the stream of {0} breaks", worker);
                worker.CutStream();
                break;
            case 6:
                world.EndCoordinator(Downtime());
                break;
            case 7 or 8:
                world.TakeOver();
                break;
            case 9:
                world.EndCoordinator(Downtime());
                Kill(worker);
                break;
            case 10:
                worker.Drain();
                break;
            default:
                world.Network.Cut(worker.Key.WorkerId, world.AnyWorker().Key.WorkerId, world.Dice.NextDouble() * 2.5);
                break;
        }
    }

    private void Kill(SimulatedWorker worker)
    {
        if (LossesInARow >= 2)
            return;
        LossesInARow++;
        worker.End("it is killed");
    }

    private void Freeze(SimulatedWorker worker)
    {
        var seconds = world.Dice.NextDouble() * 6;
        if (seconds > 1 && LossesInARow >= 2)
            return;
        if (seconds > 1)
            LossesInARow++;
        worker.Freeze(seconds);
    }
}
