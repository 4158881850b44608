using System.Text;

namespace Orchestrator.Coordinator.Jobs;

/// <summary>Writes a job with every key, default and absolute path: parsing it again gives an equal spec.</summary>
/// <remarks>With adapter.init_from, keys that come from that adapter are left out: a default there would say what is not so.</remarks>
internal static class ResolvedDocument
{
    public static string Write(JobValues values)
    {
        var text = new StringBuilder();
        var open = "";
        var isFromAdapter = values.Differs("adapter.init_from");
        foreach (var key in JobKeys.All.Where(key => !isFromAdapter || !JobKeys.OfInitialAdapter.Contains(key.Path, StringComparer.Ordinal)))
        {
            OpenSections(text, open, key.Section);
            open = key.Section;
            text.Append(' ', 2 * Depth(key.Section)).Append(key.Name).Append(": ").Append(key.Type.Write(values[key.Path])).Append('\n');
        }

        return text.ToString();
    }

    private static int Depth(string section) => section.Length == 0 ? 0 : section.Count(character => character == '.') + 1;

    // The table keeps the keys of a section together, so a section is opened once.
    private static void OpenSections(StringBuilder text, string from, string to)
    {
        if (to.Length == 0 || from == to || from.StartsWith(to + ".", StringComparison.Ordinal))
        {
            return;
        }

        var parts = to.Split('.');
        for (var i = 0; i < parts.Length; i++)
        {
            var section = string.Join('.', parts.Take(i + 1));
            if (from != section && !from.StartsWith(section + ".", StringComparison.Ordinal))
            {
                text.Append(' ', 2 * i).Append(parts[i]).Append(":\n");
            }
        }
    }
}
