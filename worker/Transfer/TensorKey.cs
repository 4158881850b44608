using Orchestrator.Protos;

namespace Orchestrator.Worker.Transfer;

/// <summary>Which tensor: what makes a second arrival a duplicate.</summary>
/// <param name="Job">The job.</param>
/// <param name="Generation">The job's membership version.</param>
/// <param name="Step">Optimizer step, or the step that an evaluation is reported as.</param>
/// <param name="Sender">Rank of the sender.</param>
/// <param name="Kind">What it is.</param>
/// <param name="Index">Micro-batch, first slot of a subtree, owner of chunks, or layer of a state.</param>
internal readonly record struct TensorKey(string Job, ulong Generation, ulong Step, uint Sender, TensorKind Kind, uint Index)
{
    public override string ToString() => $"{Kind} {Index} of step {Step}, generation {Generation}, job '{Job}', from rank {Sender}";
}
