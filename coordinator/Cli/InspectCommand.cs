using System.CommandLine;
using System.Text.Json;
using System.Text.Json.Nodes;
using Orchestrator.Coordinator.Adapters;
using Orchestrator.Coordinator.Checkpoints;
using Orchestrator.Coordinator.Runs;
using Orchestrator.Protos.Blobs;

namespace Orchestrator.Coordinator.Cli;

/// <summary><c>inspect PATH</c>: what a model, adapter, checkpoint, dataset or run folder holds.</summary>
/// <remarks>Reads headers and small files only, and rows of datasets one at a time; of tensors only those of a checkpoint, to check their digests.</remarks>
internal static class InspectCommand
{
    private static readonly JsonSerializerOptions Json = new() { WriteIndented = true, NewLine = "\n" };

    public static Command Create(CommandRunner runner)
    {
        var path = new Argument<string>("PATH") { Description = "A model, adapter, checkpoint, dataset or run folder, or a .jsonl or .safetensors file.", Validators = { PathCheck.NotEmpty } };
        var json = new Option<bool>("--json") { Description = "One JSON document on stdout." };
        var command = new Command("inspect", "Says what a model, adapter, checkpoint, dataset or run folder holds.") { path, json };
        command.SetAction((parsed, _) => runner.RunAsync((output, _, _) =>
        {
            var facts = Inspect(Path.GetFullPath(parsed.GetRequiredValue(path)));
            Write(facts, parsed.GetValue(json), output.Results);
            // A checkpoint with damaged blobs.
            return Task.FromResult(facts["complete"]?.GetValue<bool>() == false ? ExitCodes.Failed : ExitCodes.Done);
        }));
        return command;
    }

    private static void Write(JsonObject facts, bool json, TextWriter output)
    {
        if (json)
        {
            output.WriteLine(facts.ToJsonString(Json));
        }
        else
        {
            Print(facts, "", output);
        }
    }

    /// <exception cref="InvalidInputException">The path holds nothing that is known.</exception>
    private static JsonObject Inspect(string path)
    {
        if (Directory.Exists(path))
        {
            return Folder(path);
        }

        if (!File.Exists(path))
        {
            throw new InvalidInputException($"{path} does not exist; give a model, adapter, checkpoint, dataset or run folder, or a .jsonl or .safetensors file.");
        }

        return Path.GetExtension(path) switch
        {
            ".jsonl" => InspectData.File(path),
            ".safetensors" => InspectModel.Safetensors(path),
            _ => throw Unknown(path),
        };
    }

    private static JsonObject Folder(string path)
    {
        bool Holds(string name) => Path.Exists(Path.Combine(path, name));
        if (Holds(PeftAdapter.ConfigFile))
        {
            return InspectModel.Adapter(path);
        }

        if (Holds("config.json"))
        {
            return InspectModel.Model(path);
        }

        if (RunFolder.HoldsRun(path) || Holds(RunFolder.MetricsFileName) || Holds(RunFolder.PlanFileName))
        {
            return InspectRun.Folder(path);
        }

        if (!Holds(ManifestFile.Name) && Files(path, "*.jsonl").Length > 0)
        {
            return InspectData.Folder(path);
        }

        // By its name also one that never became complete: that is what there is to say of it.
        return Holds(ManifestFile.Name) || CheckpointFolders.StepOf(Path.GetFileName(path.TrimEnd('/'))) is not null ? InspectCheckpoint.Folder(path) : throw Unknown(path);
    }

    /// <summary>Files of a folder in name order, or a sentence where it cannot be read.</summary>
    internal static string[] Files(string folder, string pattern)
    {
        try
        {
            return [.. Directory.EnumerateFiles(folder, pattern).Order(StringComparer.Ordinal)];
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            throw new InvalidInputException($"{folder} cannot be read: {error.Message.TrimEnd('.')}.", error);
        }
    }

    private static InvalidInputException Unknown(string path) =>
        new($"{path} holds nothing that is known here: a model has config.json, an adapter adapter_config.json, a checkpoint manifest.json, a run metrics.jsonl, a dataset .jsonl files.");

    private static void Print(JsonObject facts, string indent, TextWriter output)
    {
        var width = facts.Max(fact => fact.Key.Length);
        foreach (var (key, value) in facts)
        {
            switch (value)
            {
                case JsonObject { Count: > 0 } nested:
                    output.WriteLine($"{indent}{key}:");
                    Print(nested, $"{indent}  ", output);
                    break;
                case JsonArray { Count: > 0 } list when list[0] is JsonObject:
                    output.WriteLine($"{indent}{key}:");
                    foreach (var item in list)
                    {
                        output.WriteLine($"{indent}  {string.Join("  ", item!.AsObject().Select(fact => Text(fact.Value)))}");
                    }

                    break;
                default:
                    output.WriteLine($"{indent}{key.PadRight(width)}  {Text(value)}");
                    break;
            }
        }
    }

    private static string Text(JsonNode? value) => value switch
    {
        null or JsonObject { Count: 0 } => "-",
        JsonArray list => string.Join(", ", list.Select(Text)),
        JsonValue scalar when scalar.TryGetValue<string>(out var text) => Models.ForeignText.Clip(text),
        _ => value.ToJsonString(),
    };
}
