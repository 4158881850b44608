namespace Orchestrator.Worker.Collectives;

/// <summary>Cuts a step's micro-batches into slots: in production <see cref="SlotRule.For"/>.</summary>
internal delegate SlotRule StepSlots(int microBatches, uint reductionSlots);
