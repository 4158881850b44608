namespace Orchestrator.Worker.Models;

/// <summary>A block of scores inside one sample.</summary>
/// <param name="FirstQuery">Position of the first query.</param>
/// <param name="GroupSize">Rows of a query: the query heads that share a key head.</param>
/// <param name="FirstKey">Position of the first key.</param>
/// <param name="Window">Query i sees keys i - Window &lt; j &lt;= i; 0: all j &lt;= i.</param>
internal readonly record struct AttentionBlock(int FirstQuery, int GroupSize, int FirstKey, int Window)
{
    /// <summary>First key that a query sees, counted from <see cref="FirstKey"/>.</summary>
    public int FirstSeen(int query) => Window == 0 ? 0 : Math.Max(0, FirstQuery + query - Window + 1 - FirstKey);

    /// <summary>One past the last key that a query sees, counted from <see cref="FirstKey"/>.</summary>
    public int EndSeen(int query) => FirstQuery + query + 1 - FirstKey;
}
