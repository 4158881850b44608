using System.Text.RegularExpressions;
using Orchestrator.Coordinator.Models;

namespace Orchestrator.Coordinator.Adapters;

/// <summary>rank_pattern or alpha_pattern: the value of the first key that matches a module's name as <c>(.*\.)?(key)$</c>.</summary>
internal sealed class KeyPatterns<T>(IReadOnlyList<KeyValuePair<string, T>> patterns, string where)
    where T : struct
{
    private readonly (string Key, Regex Regex, T Value)[] _entries =
        [.. patterns.Select(pair => (pair.Key, PythonRegex.MatchWithin(@"(?:.*\.)?(?:", pair.Key, ")$", where), pair.Value))];

    private readonly HashSet<string> _used = [];

    /// <summary>A phrase for each key that matched no module so far.</summary>
    public IEnumerable<string> Unused => _entries.Where(entry => !_used.Contains(entry.Key)).Select(entry => $"{where} key '{ForeignText.Clip(entry.Key)}'");

    public T? Find(string module)
    {
        foreach ((string key, Regex regex, T value) in _entries)
        {
            if (PythonRegex.IsMatch(regex, module, where))
            {
                _used.Add(key);
                return value;
            }
        }

        return null;
    }
}
