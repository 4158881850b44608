namespace Orchestrator.Coordinator.Jobs;

/// <summary>Lays a <c>--set key=value</c> option over the document's nodes.</summary>
internal static class JobOverrides
{
    /// <summary>Sets the node that a dotted key names. A mapping given for a section changes the keys it holds and leaves the others.</summary>
    public static void Apply(YamlMapping root, string option, YamlSource source, JobFileErrors errors)
    {
        var place = new YamlPlace(source, 1, 1);
        var equals = option.IndexOf('=', StringComparison.Ordinal);
        if (equals <= 0)
        {
            errors.Add(place, "the option must be KEY=VALUE, for example training.max_steps=20");
            return;
        }

        var before = errors.Count;
        var value = YamlDocumentReader.Read(option[(equals + 1)..], source, errors) ?? new YamlScalar(place, "", plain: true);
        if (errors.Count > before)
        {
            return;
        }

        var parts = option[..equals].Trim().Split('.');
        var mapping = root;
        var path = "";
        for (var i = 0; i < parts.Length - 1; i++)
        {
            path = path.Length == 0 ? parts[i] : $"{path}.{parts[i]}";
            // A key that holds a mapping of its own (patterns, layout) is reached into as well; anything else below a key is an unknown key.
            if (!JobKeys.Sections.Contains(path, StringComparer.Ordinal) && JobKeys.Find(path)?.Type is null or IntegerType or NumberType or BooleanType or ChoiceType)
            {
                errors.Add(place, JobKeys.Find(path) is null ? JobValues.Unknown(parts[i], i == 0 ? "" : path[..path.LastIndexOf('.')]) : $"{path} has no keys below it");
                return;
            }

            mapping = Into(mapping, new YamlScalar(place, parts[i], plain: true));
        }

        Merge(mapping, new YamlScalar(place, parts[^1], plain: true), value, path.Length == 0 ? parts[^1] : $"{path}.{parts[^1]}");
    }

    private static YamlMapping Into(YamlMapping mapping, YamlScalar key)
    {
        if (mapping.Find(key.Text) is YamlMapping found)
        {
            return found;
        }

        var made = new YamlMapping(key.Place);
        mapping.Set(key, made);
        return made;
    }

    private static void Merge(YamlMapping mapping, YamlScalar key, YamlNode value, string path)
    {
        if (value is YamlMapping given && JobKeys.Sections.Contains(path, StringComparer.Ordinal))
        {
            var section = Into(mapping, key);
            foreach (var (name, inner) in given.Entries)
            {
                Merge(section, name, inner, $"{path}.{name.Text}");
            }
        }
        else
        {
            mapping.Set(key, value);
        }
    }
}
