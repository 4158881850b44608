using Orchestrator.Protos;

namespace Orchestrator.Simulation;

/// <summary>A worker's stream to a directory: ordered both ways until it breaks, which each side learns in its own time.</summary>
internal sealed class SimulatedStream(World world, SimulatedWorker worker, SimulatedDirectory directory)
{
    private double _lastUp;
    private double _lastDown;
    private bool _isWhole = true;

    /// <summary>Its number in the directory; 0: not there yet.</summary>
    public long Number { get; set; }

    public SimulatedWorker Worker => worker;

    public SimulatedDirectory Directory => directory;

    public void Up(WorkerMessage message)
    {
        _lastUp = world.Later(_lastUp, world.StreamDelay());
        world.Time.At(_lastUp, () =>
        {
            if (_isWhole && directory.IsUp)
                directory.Hear(this, message);
        });
    }

    public void Down(CoordinatorMessage message)
    {
        _lastDown = world.Later(_lastDown, world.StreamDelay());
        world.Time.At(_lastDown, () =>
        {
            if (_isWhole)
                worker.Run(() => worker.Hear(this, message));
        });
    }

    /// <summary>Whatever is under way is lost.</summary>
    public void Break()
    {
        if (!_isWhole)
            return;
        _isWhole = false;
        world.Time.In(world.Dice.NextDouble() * 0.5, () => worker.Run(() => worker.Broken(this)));
        world.Time.In(world.Dice.NextDouble(), () => directory.Closed(this));
    }
}
