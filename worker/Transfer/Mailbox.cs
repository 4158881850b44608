namespace Orchestrator.Worker.Transfer;

/// <summary>Things that arrive by key from any thread and are taken once, by a thread that waits for them.</summary>
/// <remarks>Thread-safe. A key that was ever delivered stays known until it is forgotten: a second arrival is recognised as a duplicate.</remarks>
internal sealed class Mailbox<TKey, TValue>
    where TKey : struct, IEquatable<TKey>
    where TValue : class
{
    private readonly Lock _gate = new();
    private readonly Dictionary<TKey, TValue?> _arrived = [];
    private readonly Dictionary<TKey, ManualResetEventSlim> _waiting = [];

    /// <summary>Whether this key was delivered already.</summary>
    public bool Knows(TKey key)
    {
        lock (_gate)
            return _arrived.ContainsKey(key);
    }

    /// <summary>Delivers; false: the key was there before, and <paramref name="value"/> is still the caller's.</summary>
    public bool TryDeliver(TKey key, TValue value)
    {
        lock (_gate)
        {
            if (!_arrived.TryAdd(key, value))
                return false;
            if (_waiting.TryGetValue(key, out var waiting))
                waiting.Set();
            return true;
        }
    }

    /// <summary>Waits without limit until the key is delivered, and takes what came.</summary>
    /// <exception cref="OperationCanceledException">The wait's owner gave up.</exception>
    public TValue Take(TKey key, CancellationToken cancellationToken)
    {
        using var arrived = new ManualResetEventSlim();
        lock (_gate)
        {
            if (TryTake(key, out var value))
                return value;
            _waiting.Add(key, arrived);
        }

        try
        {
            arrived.Wait(cancellationToken);
        }
        finally
        {
            lock (_gate)
                _waiting.Remove(key);
        }

        lock (_gate)
        {
            return TryTake(key, out var value) ? value : throw new OperationCanceledException($"{key} was dropped while it was waited for");
        }
    }

    /// <summary>Forgets keys and hands what was never taken to <paramref name="drop"/>.</summary>
    public void Forget(Func<TKey, bool> which, Action<TValue>? drop = null)
    {
        lock (_gate)
        {
            foreach (var key in _arrived.Keys.Where(which).ToArray())
            {
                if (_arrived[key] is { } value)
                    drop?.Invoke(value);
                _arrived.Remove(key);
            }
        }
    }

    private bool TryTake(TKey key, out TValue value)
    {
        value = null!;
        if (!_arrived.TryGetValue(key, out var arrived) || arrived is null)
            return false;
        _arrived[key] = null;
        value = arrived;
        return true;
    }
}
