using Orchestrator.Protos;
using Orchestrator.Protos.Blobs;
using Orchestrator.Worker.Adapters;
using Orchestrator.Worker.Runtime;
using Orchestrator.Worker.Stages;

namespace Orchestrator.Worker.Checkpoints;

/// <summary>Writes a stage's states of the steps that are to be saved, beside the computation.</summary>
/// <remarks>
/// A state is the history's, pinned until it is written, and there are two at most: one that is written and one that waits. A third step to save waits for the older
/// write, that is for the disk and never for a coordinator, and says so. Writes follow each other in the order of their steps, so what is
/// told of a step comes after what is told of an earlier one. <see cref="Take"/> on the compute thread.
/// </remarks>
internal sealed class CheckpointWriter(AdapterHistory history, Place place, JobScope scope, StageActivity activity, Action<WorkerMessage> report, Action<Exception> failed, CancellationToken ended) : IDisposable
{
    private const int MostPinned = 2;

    private readonly SemaphoreSlim _room = new(MostPinned);
    private Task _writing = Task.CompletedTask;
    private ulong? _newest;

    /// <summary>Everything that was taken is written, or given up.</summary>
    public Task Written => _writing;

    /// <summary>Takes the state after a step, which the history holds, to be written into a folder; a step that was taken already is left alone.</summary>
    /// <exception cref="OperationCanceledException">The job's part here has ended.</exception>
    public void Take(ulong step, string folder)
    {
        if (_newest == step)
            return;
        _newest = step;
        if (!_room.Wait(0, ended))
        {
            activity.WaitsFor($"step {step}: waits for an earlier checkpoint to be written");
            _room.Wait(ended);
        }

        _writing = WriteAsync(_writing, history.Pin(step), folder);
    }

    /// <summary>After <see cref="Written"/>.</summary>
    public void Dispose() => _room.Dispose();

    private async Task WriteAsync(Task before, SnapshotPin pin, string folder)
    {
        await before.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
        var snapshot = pin.Snapshot;
        try
        {
            var blobs = StateBlobs.Write(folder, snapshot, ended);
            report(new WorkerMessage { StateSaved = new StateSaved { Scope = scope, Place = place, Step = snapshot.Step, Blobs = { blobs } } });
        }
        catch (OperationCanceledException)
        {
            // The job's part here has ended: a checkpoint without this part has no manifest.
        }
        catch (IOException e)
        {
            var code = FullDisk.Is(e) ? ErrorCode.ResourceExhausted : ErrorCode.BadData;
            failed(new WorkerFaultException(
                code, $"The checkpoint of step {snapshot.Step} cannot be written ({e.Message.TrimEnd('.')}); make room or choose another output, then go on from the last one with --resume.", e));
        }
#pragma warning disable CA1031 // Whatever it is becomes the job's failure.
        catch (Exception e)
#pragma warning restore CA1031
        {
            failed(e);
        }
        finally
        {
            pin.Dispose();
            _room.Release();
        }
    }
}
