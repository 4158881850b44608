using TorchSharp;

namespace Orchestrator.Worker.Models;

/// <summary>Cosines and sines of the rotary embedding, by position.</summary>
/// <remarks>
/// Angles are fp32; cosines and sines are computed on the host in fp64 and rounded once, so their bits are the same on every device and whatever C library is there: its fp32 functions
/// differ by version and processor. Grows with the longest sample. Thread-safe.
/// </remarks>
internal sealed class RotaryTable : IDisposable
{
    private readonly float[] _inverseFrequencies;
    private readonly float _factor;
    private readonly torch.Device _device;
    private readonly Lock _gate = new();
    // The newest is the longest; an older one may still be read.
    private readonly List<torch.Tensor> _tables = [];

    public RotaryTable(IEnumerable<float> inverseFrequencies, float attentionFactor, torch.Device device)
    {
        _inverseFrequencies = [.. inverseFrequencies];
        _factor = attentionFactor;
        _device = device;
    }

    public int HeadDim => _inverseFrequencies.Length * 2;

    /// <summary>[rows, head_dim] for samples laid end to end, positions restarting at each; rows past the tokens are position 0.</summary>
    /// <remarks>The caller disposes it.</remarks>
    public torch.Tensor AnglesOf(int[] lengths, int rows)
    {
        var positions = new long[rows];
        var next = 0;
        foreach (var length in lengths)
        {
            for (var i = 0; i < length; i++)
            {
                positions[next++] = i;
            }
        }

        return AnglesAt(positions);
    }

    /// <summary>[tokens, head_dim] for tokens at any positions.</summary>
    /// <remarks>The caller disposes it.</remarks>
    public torch.Tensor AnglesAt(long[] positions)
    {
        var table = Cover(checked((int)positions.Max() + 1));
        using var index = torch.tensor(positions, device: _device);
        return table.index_select(0, index);
    }

    public void Dispose() => _tables.ForEach(table => table.Dispose());

    private torch.Tensor Cover(int positions)
    {
        lock (_gate)
        {
            if (_tables.Count == 0 || _tables[^1].shape[0] < positions)
            {
                _tables.Add(TableOf(positions));
            }

            return _tables[^1];
        }
    }

    private torch.Tensor TableOf(int positions)
    {
        var half = _inverseFrequencies.Length;
        var rows = (int)System.Numerics.BitOperations.RoundUpToPowerOf2((uint)positions);
        var values = new float[rows * 2 * half];
        for (var row = 0; row < rows; row++)
        {
            for (var i = 0; i < half; i++)
            {
                var angle = row * _inverseFrequencies[i];
                values[(row * 2 * half) + i] = (float)Math.Cos(angle) * _factor;
                values[(row * 2 * half) + half + i] = (float)Math.Sin(angle) * _factor;
            }
        }

        return torch.tensor(values, [rows, 2 * half], device: _device).DetachFromDisposeScope();
    }
}
