namespace Orchestrator.Worker.Kernels;

/// <summary>What a stream of random numbers is for: streams of different purpose never share a counter.</summary>
internal enum RandomPurpose : uint
{
    Dropout = 0,
    AdapterInit = 1,
    Sampling = 2,
}
