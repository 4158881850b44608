namespace Orchestrator.Worker.Sessions;

/// <summary>Progress that is handled on the thread that reports it, unlike <see cref="Progress{T}"/>.</summary>
internal sealed class SynchronousProgress<T>(Action<T> handler) : IProgress<T>
{
    public void Report(T value) => handler(value);
}
