using System.Numerics;
using static TorchSharp.torch;

namespace Orchestrator.Worker.Models;

/// <summary>How many rows a part's matrices have: its tokens, rounded up, so that products come in few sizes.</summary>
/// <remarks>
/// The library compiles a product for every size it meets and keeps a thousand: micro-batches of ragged samples would make it compile all the time and take hundreds of megabytes.
/// The count follows from the tokens alone, so it is the same on every layout. Rows past the tokens begin as zeros; nothing reads what becomes of them, and their gradients are zero.
/// </remarks>
internal static class RowPadding
{
    private const int LeastGranule = 16;

    /// <summary>The next multiple of 16, or of a thirty-second of the tokens (a power of two) where that is more.</summary>
    public static int RowsOf(int tokens)
    {
        var granule = Math.Max(LeastGranule, (int)BitOperations.RoundUpToPowerOf2((uint)tokens / 32 / 2 + 1));
        return checked((tokens + granule - 1) / granule * granule);
    }

    /// <summary>[rows, width] with the given rows first and zeros below; the tensor itself where nothing is to be added. The caller's scope owns the result.</summary>
    public static Tensor Extend(Tensor values, int rows)
    {
        var own = values.shape[0];
        if (own == rows)
        {
            return values;
        }

        var result = empty([rows, values.shape[1]], values.dtype, values.device);
        using var top = result.narrow(0, 0, own);
        top.copy_(values);
        Clear(result, (int)own);
        return result;
    }

    /// <summary>Makes the rows from <paramref name="first"/> on zero.</summary>
    public static void Clear(Tensor values, int first)
    {
        if (values.shape[0] > first)
        {
            using var rest = values.narrow(0, first, values.shape[0] - first);
            rest.zero_();
        }
    }

    /// <summary>The first rows; the caller's scope owns the view.</summary>
    public static Tensor Cut(Tensor values, int rows) => values.shape[0] == rows ? values : values.narrow(0, 0, rows);
}
