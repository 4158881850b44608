namespace Orchestrator.Coordinator.Cli;

/// <summary>The lives of one embedded worker so far, and the rule for the next one.</summary>
/// <remarks>
/// Pure. The wait doubles from half a second to two while lives stay short. A worker that has attached once is started again for ever;
/// one that never has, and dies three times in a row, has a reason that another start will not change.
/// </remarks>
internal sealed record RestartHistory(int ShortLives, bool EverAttached)
{
    private const int MaxDeathsAtStart = 3;
    private static readonly TimeSpan FirstDelay = TimeSpan.FromSeconds(0.5);
    private static readonly TimeSpan LongestDelay = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan LongLife = TimeSpan.FromSeconds(30);

    public static readonly RestartHistory None = new(0, EverAttached: false);

    public RestartHistory Attached() => this with { EverAttached = true };

    public RestartDecision Died(TimeSpan life)
    {
        var shortLives = EverAttached && life >= LongLife ? 1 : ShortLives + 1;
        var delay = TimeSpan.FromTicks(Math.Min(LongestDelay.Ticks, FirstDelay.Ticks << Math.Min(shortLives - 1, 8)));
        return new(this with { ShortLives = shortLives }, delay, GiveUp: !EverAttached && shortLives >= MaxDeathsAtStart);
    }
}
