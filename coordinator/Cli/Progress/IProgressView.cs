using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Cli.Progress;

/// <summary>Shows a job's states to a person while work goes on.</summary>
internal interface IProgressView
{
    /// <summary>Runs the work, which hands over each state; the display lasts as long as the work.</summary>
    Task<T> ShowAsync<T>(Func<Action<JobStatus>, Task<T>> work);

    /// <summary>Says something beside the states; from any thread.</summary>
    void Note(string text);
}
