namespace Orchestrator.Worker.Kernels;

/// <summary>The signed dynamic map of 8-bit codes, by which double quantization stores absmax values.</summary>
/// <remarks>
/// For i = 0..6 [0.1, 1] is split into 2^i equal intervals, whose midpoints times 10^(i-6) are taken with both signs; 0 and 1 are
/// added, and all is sorted (arXiv 2110.02861, "dynamic tree quantization"). Boundaries are rounded as torch.linspace rounds them,
/// from both ends. A value's code comes from a table of 65,536 bins over [-1, 1], each with the entry nearest to its own position,
/// which is bitsandbytes' CPU rule and not always the nearest entry to the value.
/// </remarks>
internal static class DynamicMap
{
    private const int NumBins = 65536;

    /// <summary>fp32[256], ascending.</summary>
    public static readonly float[] Values = MakeValues();

    private static readonly byte[] Bins = MakeBins();

    /// <summary>The code of a value in [-1, 1].</summary>
    public static byte Encode(float value)
    {
        // fma(fl(value + 1) / 2, 65535, 0.5) in fp32: the product is exact in fp64, so one rounding is left.
        double half = (value + 1f) * 0.5f;
        return Bins[(int)(float)((half * (NumBins - 1)) + 0.5)];
    }

    private static float[] MakeValues()
    {
        var values = new List<float> { 0f, 1f };
        for (var i = 0; i < 7; i++)
        {
            var n = (1 << i) + 1;
            var step = (1f - 0.1f) / (n - 1);
            var edges = Enumerable.Range(0, n).Select(k => k < n / 2 ? (float)(0.1f + ((double)step * k)) : (float)(1.0 - ((double)step * (n - 1 - k)))).ToArray();
            var scale = (float)Math.Pow(10, i - 6);
            for (var k = 0; k + 1 < n; k++)
            {
                var value = scale * ((edges[k] + edges[k + 1]) / 2);
                values.Add(value);
                values.Add(-value);
            }
        }

        values.Sort();
        return [.. values];
    }

    private static byte[] MakeBins()
    {
        var bins = new byte[NumBins];
        var code = 0;
        for (var bin = 0; bin < NumBins; bin++)
        {
            var position = -1f + (2f * bin / (NumBins - 1));
            while (code < 255 && 0.5f * (Values[code] + Values[code + 1]) < position)
                code++;
            bins[bin] = (byte)code;
        }

        return bins;
    }
}
