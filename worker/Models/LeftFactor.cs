namespace Orchestrator.Worker.Models;

/// <summary>The left factor of a product: element [r, k] lies r row strides and k step strides from the start.</summary>
internal readonly unsafe record struct LeftFactor(nint Address, int RowStride, int StepStride)
{
    public float* Start => (float*)Address;

    /// <summary>From a later row on.</summary>
    public LeftFactor Below(int rows) => new((nint)(Start + ((long)rows * RowStride)), RowStride, StepStride);
}
