using System.Text;

namespace Orchestrator.Coordinator.Cli.Progress;

/// <summary>Values that come one after the other as a row of bars, the oldest at the left.</summary>
/// <remarks>
/// For one thread. Each column is the mean of equally many neighbouring values: one each until the row is full, then twice as many whenever it is, so that its memory
/// is bounded and the whole way stays in sight. Heights go from the smallest mean to the largest. What is no finite number has no height: a column of nothing else is blank.
/// </remarks>
internal sealed class Sparkline
{
    private const string Bars = "▁▂▃▄▅▆▇█";

    private readonly (double Sum, long Count)[] _columns;
    private int _used;
    private long _valuesOfLast;
    private long _valuesPerColumn = 1;

    /// <param name="columns">Most columns; an even number.</param>
    public Sparkline(int columns)
    {
        if (columns < 2 || columns % 2 != 0) throw new ArgumentOutOfRangeException(nameof(columns), columns, "Columns are an even number.");
        _columns = new (double, long)[columns];
    }

    /// <summary>Whether a terminal with this encoding has the characters.</summary>
    public static bool CanBeShownIn(Encoding encoding) => encoding.GetString(encoding.GetBytes(Bars)) == Bars;

    /// <summary>Adds the newest value.</summary>
    public void Add(double value)
    {
        if (_used == 0 || _valuesOfLast == _valuesPerColumn)
        {
            if (_used == _columns.Length) Halve();
            _columns[_used++] = default;
            _valuesOfLast = 0;
        }

        _valuesOfLast++;
        if (!double.IsFinite(value)) return;
        var (sum, count) = _columns[_used - 1];
        _columns[_used - 1] = (sum + value, count + 1);
    }

    /// <summary>The row; empty while there is no value.</summary>
    public override string ToString()
    {
        var means = _columns.Take(_used).Select(column => column.Count > 0 ? column.Sum / column.Count : double.NaN).ToList();
        var finite = means.Where(double.IsFinite).DefaultIfEmpty(0).ToList();
        var (lowest, highest) = (finite.Min(), finite.Max());
        return string.Concat(means.Select(mean => Bar(mean, lowest, highest)));
    }

    private static char Bar(double mean, double lowest, double highest)
    {
        if (!double.IsFinite(mean)) return ' ';
        // Halves, for the difference of two finite numbers may be none.
        var range = (highest / 2) - (lowest / 2);
        return range > 0 ? Bars[(int)Math.Round(((mean / 2) - (lowest / 2)) / range * (Bars.Length - 1))] : Bars[0];
    }

    private void Halve()
    {
        for (var i = 0; i < _used; i += 2)
        {
            var ((sum, count), (nextSum, nextCount)) = (_columns[i], _columns[i + 1]);
            _columns[i / 2] = (sum + nextSum, count + nextCount);
        }

        _used /= 2;
        _valuesPerColumn *= 2;
    }
}
