using System.Buffers;
using System.Runtime.Intrinsics;
using System.Runtime.Intrinsics.X86;
using Orchestrator.Worker.Kernels;
using Orchestrator.Worker.Runtime;
using static TorchSharp.torch;

namespace Orchestrator.Worker.Models;

/// <summary>fp32 products of activations with a weight on the CPU: a thread packs a few columns of the right factor, then runs all rows past them.</summary>
/// <remarks>
/// As fast as the library with short vectors and twice as fast with long ones, which the library may not use for a job of a class without them: an element is one chain of fused
/// multiply-adds in the order of the steps whatever the vectors' length, so its bits are the same with either, and depend on neither threads nor the other rows.
/// </remarks>
internal static unsafe class VectorProduct
{
    /// <summary>Rows and columns of <see cref="TransposeSquare"/>.</summary>
    public const int SquareSide = 8;

    private const int PanelColumns = 2 * BlockProduct.Lanes;

    // So many steps of a packed panel, and the rows' part beside it, fit a core's first cache.
    private const int StepsAtOnce = 256;

    // A packed panel, and the rows that run past it one group of steps after the other, fit its second cache; sums wait for their next steps in the first.
    private const int PanelSteps = 8 * StepsAtOnce;
    private const int RowsAtOnce = 64;

    // Rows that a panel is packed for: the left factor's part that meets one panel after the other stays near.
    private const int BlockRows = 512;

    // Fewer rows do not pay for packing, and no part of a training pass has fewer.
    private const int LeastRows = 16;

    /// <summary>Whether factors are of a kind and size that it computes, in a process whose class has fused multiply-adds.</summary>
    /// <param name="left">[rows, ...].</param>
    /// <param name="columns">Of the result.</param>
    public static bool Fits(Tensor left, long columns)
        => NumericEnvironment.Path != InstructionPath.Portable && left.dtype == ScalarType.Float32 && columns % BlockProduct.Lanes == 0 && left.shape[0] is >= LeastRows and < int.MaxValue && left.shape[0] % BlockProduct.Rows == 0;

    /// <summary>left * weight^T + bias: [rows, in] to [rows, out].</summary>
    /// <param name="left">[rows, in], contiguous.</param>
    /// <param name="weight">[out, in], contiguous.</param>
    /// <param name="bias">[out], or null.</param>
    public static Tensor Transposed(Tensor left, Tensor weight, Tensor? bias)
        => Run(left, weight, bias, transposed: true);

    /// <summary>left * weight: [rows, out] to [rows, in].</summary>
    /// <param name="left">[rows, out], contiguous.</param>
    /// <param name="weight">[out, in], contiguous.</param>
    public static Tensor Straight(Tensor left, Tensor weight)
        => Run(left, weight, null, transposed: false);

    private static Tensor Run(Tensor left, Tensor weight, Tensor? bias, bool transposed)
    {
        var (height, width, rows) = ((int)weight.shape[0], (int)weight.shape[1], (int)left.shape[0]);
        var (steps, columns) = transposed ? (width, height) : (height, width);
        var result = empty([rows, columns], ScalarType.Float32);
        if (bias is not null)
        {
            result.copy_(bias);
        }

        var a = new Block((nint)TensorMemory.Pointer(left), steps);
        var b = new Block((nint)TensorMemory.Pointer(weight), width);
        var c = new Block((nint)TensorMemory.Pointer(result), columns);
        var job = new Job(a, b, c, rows, steps, columns, Begun: bias is not null, transposed);
        var panels = (columns + PanelColumns - 1) / PanelColumns;
        KernelParallel.Each(panels * ((rows + BlockRows - 1) / BlockRows), item => Panel(job, item / panels * BlockRows, item % panels * PanelColumns));
        return result;
    }

    /// <summary>A few columns of some rows.</summary>
    private static void Panel(in Job job, int first, int column)
    {
        var rented = ArrayPool<float>.Shared.Rent((Math.Min(job.Steps, PanelSteps) * PanelColumns) + BlockProduct.Lanes);
        fixed (float* memory = rented)
        {
            var (end, columns) = (Math.Min(first + BlockRows, job.Rows), Math.Min(PanelColumns, job.Columns - column));
            var panel = Block.Aligned(memory, PanelColumns);
            for (var step = 0; step < job.Steps; step += PanelSteps)
            {
                var count = Math.Min(PanelSteps, job.Steps - step);
                if (job.Transposed)
                {
                    PackTransposed(job.B, step, count, column, columns, panel);
                }
                else
                {
                    Pack(job.B, step, count, column, columns, panel);
                }

                for (var row = first; row < end; row += RowsAtOnce)
                {
                    RowsPast(job, panel, row, Math.Min(row + RowsAtOnce, end), column, columns, step, count);
                }
            }
        }

        ArrayPool<float>.Shared.Return(rented);
    }

    /// <summary>Adds a packed panel's steps to a few rows.</summary>
    private static void RowsPast(in Job job, Block panel, int first, int end, int column, int columns, int step, int steps)
    {
        for (var done = 0; done < steps; done += StepsAtOnce)
        {
            var count = Math.Min(StepsAtOnce, steps - done);
            for (var row = first; row < end; row += BlockProduct.Rows)
            {
                if (row + BlockProduct.Rows < end)
                {
                    Fetch(job.A.At(row + BlockProduct.Rows, step + done), job.C.At(row + BlockProduct.Rows, column));
                }

                BlockProduct.EightRows(job.A.Left(row, step + done), panel.At(done, 0), job.C.At(row, column), count, columns, add: job.Begun || step + done > 0);
            }
        }
    }

    /// <summary>Asks for the beginning of the next rows of the left factor and for their sums, which the processor does not foresee: their lines lie a row apart.</summary>
    private static void Fetch(Block left, Block sums)
    {
        if (!Sse.IsSupported)
        {
            return;
        }

        float* a = left.Start, c = sums.Start;
        for (var row = 0; row < BlockProduct.Rows; row++, a += left.Stride, c += sums.Stride)
        {
            Sse.Prefetch0(a);
            Sse.Prefetch0(a + BlockProduct.Lanes);
            Sse.Prefetch0(c);
            Sse.Prefetch0(c + BlockProduct.Lanes);
        }
    }

    /// <summary>panel[k, j] = b[step + k, column + j].</summary>
    private static void Pack(Block b, int step, int steps, int column, int columns, Block panel)
    {
        for (var k = 0; k < steps; k++)
        {
            float* from = b.At(step + k, column).Start, to = panel.At(k, 0).Start;
            for (var j = 0; j < columns; j += BlockProduct.Lanes)
            {
                Vector512.Load(from + j).Store(to + j);
            }
        }
    }

    /// <summary>panel[k, j] = b[column + j, step + k].</summary>
    private static void PackTransposed(Block b, int step, int steps, int column, int columns, Block panel)
    {
        var k = 0;
        for (; Avx.IsSupported && k + SquareSide <= steps; k += SquareSide)
        {
            for (var j = 0; j < columns; j += SquareSide)
            {
                TransposeSquare(b.At(column + j, step + k), panel.At(k, j));
            }
        }

        for (; k < steps; k++)
        {
            for (var j = 0; j < columns; j++)
            {
                panel.At(k, j).Start[0] = b.At(column + j, step + k).Start[0];
            }
        }
    }

    /// <summary>Transposes eight by eight elements, on processors with AVX: pairs, then fours, then halves change places.</summary>
    public static void TransposeSquare(Block source, Block target)
    {
        float* from = source.Start, to = target.Start;
        nint s = source.Stride, t = target.Stride;
        Vector256<float> r0 = Vector256.Load(from), r1 = Vector256.Load(from + s), r2 = Vector256.Load(from + (2 * s)), r3 = Vector256.Load(from + (3 * s));
        Vector256<float> r4 = Vector256.Load(from + (4 * s)), r5 = Vector256.Load(from + (5 * s)), r6 = Vector256.Load(from + (6 * s)), r7 = Vector256.Load(from + (7 * s));
        Vector256<float> p0 = Avx.UnpackLow(r0, r1), p1 = Avx.UnpackHigh(r0, r1), p2 = Avx.UnpackLow(r2, r3), p3 = Avx.UnpackHigh(r2, r3);
        Vector256<float> p4 = Avx.UnpackLow(r4, r5), p5 = Avx.UnpackHigh(r4, r5), p6 = Avx.UnpackLow(r6, r7), p7 = Avx.UnpackHigh(r6, r7);
        Vector256<float> q0 = Avx.Shuffle(p0, p2, 0x44), q1 = Avx.Shuffle(p0, p2, 0xee), q2 = Avx.Shuffle(p1, p3, 0x44), q3 = Avx.Shuffle(p1, p3, 0xee);
        Vector256<float> q4 = Avx.Shuffle(p4, p6, 0x44), q5 = Avx.Shuffle(p4, p6, 0xee), q6 = Avx.Shuffle(p5, p7, 0x44), q7 = Avx.Shuffle(p5, p7, 0xee);
        Avx.Permute2x128(q0, q4, 0x20).Store(to);
        Avx.Permute2x128(q1, q5, 0x20).Store(to + t);
        Avx.Permute2x128(q2, q6, 0x20).Store(to + (2 * t));
        Avx.Permute2x128(q3, q7, 0x20).Store(to + (3 * t));
        Avx.Permute2x128(q0, q4, 0x31).Store(to + (4 * t));
        Avx.Permute2x128(q1, q5, 0x31).Store(to + (5 * t));
        Avx.Permute2x128(q2, q6, 0x31).Store(to + (6 * t));
        Avx.Permute2x128(q3, q7, 0x31).Store(to + (7 * t));
    }

    /// <summary>What the panels of a product share.</summary>
    /// <param name="A">[rows, steps].</param>
    /// <param name="B">The weight as it lies.</param>
    /// <param name="C">[rows, columns].</param>
    /// <param name="Rows">Whole groups of eight.</param>
    /// <param name="Steps">Length of the sums.</param>
    /// <param name="Columns">Whole vectors.</param>
    /// <param name="Begun">Whether C holds what the sums begin with.</param>
    /// <param name="Transposed">Whether B is [columns, steps], else [steps, columns].</param>
    private readonly record struct Job(Block A, Block B, Block C, int Rows, int Steps, int Columns, bool Begun, bool Transposed);
}
