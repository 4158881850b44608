using System.Text.RegularExpressions;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Models;

/// <summary>The linear layers of a model that stay in 16 bits, as transformers decides with <c>llm_int8_skip_modules</c>.</summary>
/// <remarks>An entry skips a module whose name begins with it (read as a regular expression) or ends with it. Immutable; once made, it matches nothing any more.</remarks>
internal sealed class SkipModules
{
    private const string Key = "quantization.skip_modules";
    private readonly HashSet<string> _modules;

    private SkipModules(IEnumerable<string> modules) => _modules = modules.ToHashSet(StringComparer.Ordinal);

    /// <summary>The output head alone.</summary>
    public static SkipModules Head { get; } = new([ModelTensors.Head]);

    /// <summary>The modules of a model that the entries name.</summary>
    /// <exception cref="InvalidInputException">An entry is no usable regular expression.</exception>
    public static SkipModules Resolve(ModelSpec model, IEnumerable<string> names)
    {
        var entries = names.Select(name => (Name: name, Prefix: PythonRegex.Match(name, Key))).ToList();
        return new(ModelTensors.LinearsOf(model).Select(linear => linear.Module).Append(ModelTensors.Head).Where(module => entries.Exists(entry => Matches(entry.Name, entry.Prefix, module))));
    }

    public bool Contains(string module) => _modules.Contains(module);

    private static bool Matches(string name, Regex prefix, string module) => module.EndsWith(name, StringComparison.Ordinal) || PythonRegex.IsMatch(prefix, module, Key);
}
