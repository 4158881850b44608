using Orchestrator.Worker.Adapters;
using Orchestrator.Worker.Commit;
using Orchestrator.Worker.Mirrors;

namespace Orchestrator.Worker.Stages;

/// <summary>Where the states and verdicts of a worker's steps are kept.</summary>
/// <param name="History">The states after the last two steps; holds that with which the generation begins.</param>
/// <param name="Mirror">Keeps them out of this process as well; null: the other replicas do, or nobody is to.</param>
/// <param name="Verdicts">What was decided.</param>
internal sealed record StepStates(AdapterHistory History, StateMirror? Mirror, KnownVerdicts Verdicts);
