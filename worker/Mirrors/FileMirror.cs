using Orchestrator.Protos;
using Orchestrator.Protos.Blobs;
using Orchestrator.Worker.Adapters;
using Orchestrator.Worker.Runtime;

namespace Orchestrator.Worker.Mirrors;

/// <summary>Mirrors a lone worker's state in a file of its cache, with the reports that would die with the process.</summary>
/// <param name="history">Holds the states.</param>
/// <param name="files">Where they are written.</param>
/// <param name="layers">First and last decoder layer of the stage.</param>
/// <param name="reports">What was reported and may not have been heard.</param>
internal sealed class FileMirror(AdapterHistory history, MirrorFiles files, (uint First, uint Last) layers, Func<PendingReports> reports) : StateMirror(history)
{
    /// <inheritdoc/>
    protected override Task HandOverAsync(SnapshotPin pin)
    {
        using (pin)
        {
            try
            {
                files.Write(pin.Snapshot, layers.First, layers.Last, reports());
            }
            catch (IOException e)
            {
                throw new WorkerFaultException(
                    FullDisk.Is(e) ? ErrorCode.ResourceExhausted : ErrorCode.BadData,
                    $"The state after step {pin.Snapshot.Step} cannot be kept in the cache ({e.Message.TrimEnd('.')}); make room on its disk (the worker's --cache; under train the output's .orchestrator), or set resilience: checkpoint.",
                    e);
            }

            return Task.CompletedTask;
        }
    }
}
