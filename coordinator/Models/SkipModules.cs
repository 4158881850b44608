using System.Text.RegularExpressions;

namespace Orchestrator.Coordinator.Models;

/// <summary>Decides which linear layers stay in 16 bits, as transformers decides with <c>llm_int8_skip_modules</c>.</summary>
/// <remarks>An entry skips a module whose name begins with it (read as a regular expression) or ends with it.</remarks>
internal sealed class SkipModules(IReadOnlyCollection<string> names)
{
    private readonly (string Name, Regex Prefix)[] _entries = [.. names.Select(name => (name, PythonRegex.Match(name, "quantization.skip_modules")))];

    public bool Matches(string module) =>
        _entries.Any(entry => module.EndsWith(entry.Name, StringComparison.Ordinal) || PythonRegex.IsMatch(entry.Prefix, module, "quantization.skip_modules"));
}
