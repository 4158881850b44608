namespace Orchestrator.Protos.CommandLine;

/// <summary>Finds the known name that a mistyped one most likely meant.</summary>
public static class NearestName
{
    private const int MaxLength = 64;

    /// <summary>The known name with the smallest edit distance (the first of equals); null when none is known.</summary>
    public static string? Of(string name, IEnumerable<string> known) => known.MinBy(candidate => Distance(name, candidate));

    /// <summary>Edits (insert, delete, replace, swap neighbours) that turn one name into the other, case aside; only the first 64 characters count.</summary>
    public static int Distance(string left, string right)
    {
        var a = left.Length > MaxLength ? left.AsSpan(0, MaxLength) : left;
        var b = right.Length > MaxLength ? right.AsSpan(0, MaxLength) : right;
        var distances = new int[a.Length + 1, b.Length + 1];
        for (var i = 0; i <= a.Length; i++)
        {
            distances[i, 0] = i;
        }

        for (var j = 0; j <= b.Length; j++)
        {
            distances[0, j] = j;
        }

        for (var i = 1; i <= a.Length; i++)
        {
            for (var j = 1; j <= b.Length; j++)
            {
                var replaced = distances[i - 1, j - 1] + (Same(a[i - 1], b[j - 1]) ? 0 : 1);
                distances[i, j] = Math.Min(replaced, 1 + Math.Min(distances[i - 1, j], distances[i, j - 1]));
                if (i > 1 && j > 1 && Same(a[i - 1], b[j - 2]) && Same(a[i - 2], b[j - 1]))
                {
                    distances[i, j] = Math.Min(distances[i, j], distances[i - 2, j - 2] + 1);
                }
            }
        }

        return distances[a.Length, b.Length];
    }

    private static bool Same(char left, char right) => char.ToLowerInvariant(left) == char.ToLowerInvariant(right);
}
