using System.Text.Json.Nodes;
using Orchestrator.Coordinator.Datasets;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Placement;

/// <summary>plan.json: the layout and what was found while planning.</summary>
internal static class PlanDocument
{
    public static JsonObject Create(string jobHash, int reductionSlots, Recompute recompute, StepPlan steps, LayoutResult layout) => throw new NotSupportedException();
}
