namespace Orchestrator.Worker.Models;

/// <summary>A row-major block in scratch memory.</summary>
/// <param name="Address">Of element [0, 0].</param>
/// <param name="Stride">Elements from one row to the next.</param>
internal readonly unsafe record struct Block(nint Address, int Stride)
{
    /// <summary>A block on a vector's boundary in memory with <see cref="BlockProduct.Lanes"/> elements to spare.</summary>
    public static Block Aligned(float* memory, int stride) => new(((nint)memory + 63) & ~(nint)63, stride);

    public float* Start => (float*)Address;

    public Block At(int row, int column) => new((nint)(Start + ((long)row * Stride) + column), Stride);

    /// <summary>The first <paramref name="count"/> elements of a row.</summary>
    public Span<float> Row(int row, int count) => new(Start + ((long)row * Stride), count);

    /// <summary>As a left factor, from a row and a step on.</summary>
    public LeftFactor Left(int row, int step) => new(At(row, step).Address, Stride, 1);

    /// <summary>Transposed, as a left factor: row r and step k are element [k, r].</summary>
    public LeftFactor LeftTransposed(int row, int step) => new(At(step, row).Address, 1, Stride);
}
