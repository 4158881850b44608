using Orchestrator.Coordinator.Runs;

namespace Orchestrator.Coordinator.Cli;

/// <summary>Reads the model and the data of a new run while its coordinator still starts, so that the job finds them prepared and the workers start at once.</summary>
/// <remarks>
/// Takes nothing over from the job: what is prepared is kept by its content, and the job looks for it there. Whatever goes wrong here goes wrong there too, and is told there.
/// A preparation that is not done when the job begins its own is given up.
/// </remarks>
internal sealed class HeadStart : IAsyncDisposable
{
    private readonly CancellationTokenSource _ended;

    private HeadStart(TrainRequest request, string dataFolder, CancellationToken cancellationToken)
    {
        _ended = CancellationTokenSource.CreateLinkedTokenSource(cancellationToken);
        IsPrepared = PrepareAsync(request, dataFolder, _ended.Token);
    }

    /// <summary>True: model and data are what the job needs, and some fleet can serve it. Never fails.</summary>
    public Task<bool> IsPrepared { get; }

    public static HeadStart Begin(TrainRequest request, string dataFolder, CancellationToken cancellationToken) => new(request, dataFolder, cancellationToken);

    /// <summary>Gives up what is not done.</summary>
    public async ValueTask DisposeAsync()
    {
        await _ended.CancelAsync();
        await IsPrepared;
        _ended.Dispose();
    }

    private static Task<bool> PrepareAsync(TrainRequest request, string dataFolder, CancellationToken cancellationToken) => Task.Run(async () =>
    {
        // A run that goes on may be refused, or want its data as of another day.
        if (request.Submission.Resume || JobRequests.Check(request.Submission).Spec is not { } spec)
        {
            return false;
        }

        try
        {
            var material = await JobPreparation.RunAsync(spec, dataFolder, new Progress<string>(), cancellationToken);
            return JobLoading.Impossible(material) is null;
        }
        catch (Exception)
        {
            // The job's own preparation fails in the same way, and says how.
            return false;
        }
    });
}
