using System.Collections.Concurrent;
using Orchestrator.Protos;
using Orchestrator.Protos.Blobs;
using Orchestrator.Worker.Adapters;
using Orchestrator.Worker.Runtime;
using Orchestrator.Worker.Stages;

namespace Orchestrator.Worker.Checkpoints;

/// <summary>Copies a stage's state at the steps that are to be saved and writes the copies beside the computation.</summary>
/// <remarks>
/// A snapshot is pinned until it is written, and there are two at most: one that is written and one that waits. A third step to save waits for the older
/// write, that is for the disk and never for a coordinator, and says so. Writes follow each other in the order of their steps, so what is
/// told of a step comes after what is told of an earlier one. <see cref="Take"/> and <see cref="Dispose"/> on the compute thread.
/// </remarks>
internal sealed class CheckpointWriter(AdapterState adapter, Place place, JobScope scope, StageActivity activity, Action<WorkerMessage> report, Action<Exception> failed, CancellationToken ended) : IDisposable
{
    private const int MostSnapshots = 2;

    private readonly ConcurrentBag<AdapterSnapshot> _free = [];
    private readonly SemaphoreSlim _room = new(MostSnapshots);
    private Task _writing = Task.CompletedTask;
    private ulong? _newest;

    /// <summary>Everything that was taken is written, or given up.</summary>
    public Task Written => _writing;

    /// <summary>Copies the state, which is that after the step, to be written into a folder; a step that was taken already is left alone.</summary>
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

        _free.TryTake(out var reused);
        var snapshot = adapter.Snapshot(step, reused);
        _writing = WriteAsync(_writing, snapshot, folder);
    }

    public void Dispose()
    {
        while (_free.TryTake(out var snapshot))
            snapshot.Dispose();
        _room.Dispose();
    }

    private async Task WriteAsync(Task before, AdapterSnapshot snapshot, string folder)
    {
        await before.ConfigureAwait(ConfigureAwaitOptions.ForceYielding);
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
            _free.Add(snapshot);
            _room.Release();
        }
    }
}
