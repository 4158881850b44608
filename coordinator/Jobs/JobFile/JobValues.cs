using Orchestrator.Protos.CommandLine;

namespace Orchestrator.Coordinator.Jobs;

/// <summary>The value of every key of one job, with the node that gave it (null: the default).</summary>
internal sealed class JobValues
{
    private readonly Dictionary<string, (object? Value, YamlNode? Node)> _values = new(StringComparer.Ordinal);
    private readonly JobFileErrors _errors;

    private JobValues(JobFileErrors errors) => _errors = errors;

    /// <summary>Reads every key that the document gives and the defaults of the others; reports all that is wrong.</summary>
    public static JobValues Read(YamlMapping root, JobFileErrors errors)
    {
        var values = new JobValues(errors);
        values.ReadSection(root, "");
        values.AddDefaults(root);
        return values;
    }

    /// <summary>The sentence for a key that does not exist.</summary>
    public static string Unknown(string name, string section)
    {
        var where = section.Length == 0 ? "" : $" in {section}";
        var siblings = JobKeys.NamesIn(section).ToList();
        var nearest = NearestName.Of(name, siblings)!;
        // The right name in the wrong section is likelier than another name that merely looks like it.
        var elsewhere = JobKeys.All.Where(key => key.Name == name).Select(key => key.Path).FirstOrDefault();
        return $"unknown key {Sentence.Quote(name)}{where}; did you mean '{elsewhere ?? nearest}'?";
    }

    public bool Has(string path) => _values.ContainsKey(path);

    /// <summary>Whether the document or an option gives the key.</summary>
    public bool IsGiven(string path) => _values.TryGetValue(path, out var value) && value.Node is not null;

    /// <summary>Whether the key has another value than its default.</summary>
    public bool Differs(string path) => IsGiven(path) && !Equals(_values[path].Value, DefaultOf(JobKeys.Find(path)!));

    public T Get<T>(string path) => (T)_values[path].Value!;

    public object? this[string path] => _values[path].Value;

    /// <summary>Where the key was given.</summary>
    public YamlPlace PlaceOf(string path) => _values[path].Node!.Place;

    /// <summary>The paths that were given for a key, each with its own node; none where the key stands at its default.</summary>
    public IEnumerable<(YamlNode Node, string Path)> PathsOf(string path) => !_values.TryGetValue(path, out var value) || value.Node is null ? [] : value.Value switch
    {
        string single => [(value.Node, single)],
        ValueList<string> several => (value.Node is YamlSequence sequence ? sequence.Items : [value.Node]).Zip(several),
        _ => [],
    };

    /// <summary>Fills in what depends on the document: its name and the output folder beside it.</summary>
    public void Complete(string documentName, string baseFolder)
    {
        var name = (string?)_values["name"].Value ?? Path.GetFileNameWithoutExtension(documentName);
        name = name.Length == 0 ? "job" : name;
        var output = (string?)_values["output"].Value ?? Path.GetFullPath(Path.Combine(baseFolder, $"{Path.GetFileName(name)}-out"));
        _values["name"] = (name, null);
        _values["output"] = (output, null);
    }

    private static object? DefaultOf(JobKey key)
    {
        var errors = new JobFileErrors();
        var node = YamlDocumentReader.Read(key.Default!, new YamlSource("default", "/", 0), errors);
        return key.Type.Read(node!, new KeyContext(errors, key.Path, key.Type.Expected));
    }

    private void ReadSection(YamlMapping mapping, string section)
    {
        foreach (var (name, node) in mapping.Entries)
        {
            var path = section.Length == 0 ? name.Text : $"{section}.{name.Text}";
            if (!name.Text.Contains('.', StringComparison.Ordinal) && JobKeys.Find(path) is { } key)
            {
                ReadKey(key, node);
            }
            else if (name.Text.Length > 0 && !name.Text.Contains('.', StringComparison.Ordinal) && JobKeys.Sections.Contains(path, StringComparer.Ordinal))
            {
                ReadInner(node, path);
            }
            else
            {
                _errors.Add(name.Place, Unknown(name.Text, section));
            }
        }
    }

    private void ReadInner(YamlNode node, string path)
    {
        if (node is YamlMapping inner)
        {
            ReadSection(inner, path);
        }
        else if (node is not YamlScalar { IsNull: true })
        {
            _errors.Add(node.Place, $"{path} must be a mapping of keys, not {node.Describe()}");
        }
    }

    private void ReadKey(JobKey key, YamlNode node)
    {
        var context = new KeyContext(_errors, key.Path, key.Expected);
        var value = key.Type.Read(node, context);
        if (context.Failed)
        {
            return;
        }

        if ((value is string word && key.NotBuilt.Contains(word, StringComparer.Ordinal)) || (key.OnlyDefaultIsBuilt && !Equals(value, DefaultOf(key))))
        {
            _errors.Add(node.Place, $"{key.Path}: {Short(key, value)} is not built yet; {Instead(key)}");
            return;
        }

        _values[key.Path] = (value, node);
    }

    // Words of which only one is built are the default alone.
    private static string Instead(JobKey key) =>
        key.Type is ChoiceType choice && choice.Choices.Except(key.NotBuilt, StringComparer.Ordinal).ToList() is { Count: > 1 } built ? $"give {Sentence.Join(built)}" : $"leave it at {key.Default}";

    private static string Short(JobKey key, object? value)
    {
        var text = key.Type.Write(value);
        return text is "{}" || text.Length > 60 ? "this value" : text;
    }

    private void AddDefaults(YamlMapping root)
    {
        foreach (var key in JobKeys.All.Where(key => !_values.ContainsKey(key.Path)))
        {
            if (key.Default is not null)
            {
                _values[key.Path] = (DefaultOf(key), null);
            }
            else if (!WasGiven(root, key.Path))
            {
                _errors.Add(PlaceFor(root, key.Section), $"{key.Path} is missing; it must be {key.Type.Expected}");
            }
        }
    }

    // A key that was given wrongly has its error already.
    private static bool WasGiven(YamlMapping root, string path)
    {
        YamlNode? node = root;
        foreach (var part in path.Split('.'))
        {
            node = (node as YamlMapping)?.Find(part);
        }

        return node is not null;
    }

    private static YamlPlace PlaceFor(YamlMapping root, string section) => section.Length > 0 && root.Find(section) is { } node ? node.Place : root.Place;
}
