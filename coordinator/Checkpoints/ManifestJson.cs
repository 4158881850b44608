using System.Text.Json;
using Google.Protobuf.WellKnownTypes;
using Orchestrator.Coordinator.Models;
using Orchestrator.Protos;

namespace Orchestrator.Coordinator.Checkpoints;

/// <summary>The members of a manifest as JSON, without its digest.</summary>
internal static class ManifestJson
{
    private const long MaxWhole = 1L << 53;

    public static void Write(Utf8JsonWriter json, CheckpointManifest manifest, int version)
    {
        json.WriteStartObject();
        json.WriteNumber("version", version);
        json.WriteNumber("step", manifest.Step);
        json.WriteString("job", manifest.Job);
        json.WriteString("job_hash", manifest.JobHash);
        json.WriteNumber("generation", manifest.Generation);
        json.WriteNumber("fence", manifest.Fence);
        json.WriteString("time", manifest.Time.ToDateTimeOffset());
        WriteClass(json, manifest.NumericClass);
        json.WriteString("compute_dtype", manifest.ComputeDtype == DType.Bf16 ? "bfloat16" : "float32");
        json.WriteBoolean("class_changed", manifest.ClassChanged);
        json.WriteStartObject("data_cursor");
        json.WriteNumber("epoch", manifest.Epoch);
        json.WriteNumber("samples_taken", manifest.SamplesTaken);
        json.WriteEndObject();
        json.WriteNumber("tokens", manifest.Tokens);
        json.WriteNumber("seconds", manifest.Seconds);
        json.WriteNumber("skipped_in_a_row", manifest.SkippedInARow);
        json.WriteString("clock", manifest.Clock.Length > 0 ? manifest.Clock : null);
        WriteEvaluation(json, "first_evaluation", manifest.FirstEvaluation);
        WriteEvaluation(json, "last_evaluation", manifest.LastEvaluation);
        WriteEvaluation(json, "best_evaluation", manifest.BestEvaluation);
        WriteLayouts(json, manifest.Layouts);
        WriteBlobs(json, manifest.Blobs);
        json.WriteEndObject();
    }

    /// <exception cref="InvalidInputException">A member is missing or is nothing that a manifest can say.</exception>
    public static CheckpointManifest Read(ConfigDocument document, int version)
    {
        var written = Whole(document, "version");
        if (written != (ulong)version)
        {
            throw new InvalidInputException($"{document.File} is of version {written}, which this program does not know; it knows version {version}.");
        }

        var cursor = Object(document, "data_cursor");
        return new CheckpointManifest
        {
            Step = Whole(document, "step"),
            Job = Text(document, "job"),
            JobHash = Text(document, "job_hash"),
            Generation = Whole(document, "generation"),
            Fence = Whole(document, "fence"),
            Time = Time(document),
            NumericClass = Class(Object(document, "numeric_class")),
            ComputeDtype = Text(document, "compute_dtype") switch
            {
                "bfloat16" => DType.Bf16,
                "float32" => DType.F32,
                _ => throw document.Wrong("compute_dtype", "bfloat16 or float32", document.Find("compute_dtype")!.Value),
            },
            ClassChanged = document.Boolean("class_changed") ?? throw document.Missing("class_changed"),
            Epoch = Number(cursor, "epoch"),
            SamplesTaken = Whole(cursor, "samples_taken"),
            Tokens = Whole(document, "tokens"),
            Seconds = Number(document, "seconds"),
            SkippedInARow = (uint)(document.Integer("skipped_in_a_row", 0, int.MaxValue) ?? throw document.Missing("skipped_in_a_row")),
            Clock = document.Text("clock") ?? "",
            FirstEvaluation = Evaluation(document, "first_evaluation"),
            LastEvaluation = Evaluation(document, "last_evaluation"),
            BestEvaluation = Evaluation(document, "best_evaluation"),
            Layouts = { Items(document, "layouts").Select(Layout) },
            Blobs = { Blobs(document) },
        };
    }

    private static void WriteClass(Utf8JsonWriter json, NumericClass numericClass)
    {
        json.WriteStartObject("numeric_class");
        json.WriteString("backend", numericClass.Backend);
        json.WriteString("instruction_path", numericClass.InstructionPath);
        json.WriteString("libtorch", numericClass.Libtorch);
        json.WriteString("kernels", numericClass.Kernels);
        json.WriteNumber("threads", numericClass.Threads);
        json.WriteEndObject();
    }

    private static void WriteEvaluation(Utf8JsonWriter json, string name, EvaluationPoint? evaluation)
    {
        if (evaluation is null)
        {
            json.WriteNull(name);
            return;
        }

        json.WriteStartObject(name);
        json.WriteNumber("step", evaluation.Step);
        if (double.IsFinite(evaluation.Loss))
        {
            json.WriteNumber("loss", evaluation.Loss);
        }
        else
        {
            json.WriteNull("loss");
        }

        json.WriteNumber("label_tokens", evaluation.LabelTokens);
        json.WriteEndObject();
    }

    private static void WriteLayouts(Utf8JsonWriter json, IEnumerable<LayoutStretch> layouts)
    {
        json.WriteStartArray("layouts");
        foreach (var layout in layouts)
        {
            json.WriteStartObject();
            json.WriteNumber("generation", layout.Generation);
            json.WriteNumber("first_step", layout.FirstStep);
            json.WriteNumber("last_step", layout.LastStep);
            json.WriteNumber("replicas", layout.Replicas);
            json.WriteNumber("stages", layout.Stages);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static void WriteBlobs(Utf8JsonWriter json, IEnumerable<StateBlob> blobs)
    {
        json.WriteStartArray("blobs");
        foreach (var blob in blobs)
        {
            json.WriteStartObject();
            json.WriteNumber("layer", blob.Layer);
            json.WriteString("sha256", blob.Sha256);
            json.WriteNumber("bytes", blob.Bytes);
            json.WriteEndObject();
        }

        json.WriteEndArray();
    }

    private static NumericClass Class(ConfigDocument document) => new()
    {
        Backend = Text(document, "backend"),
        InstructionPath = Text(document, "instruction_path"),
        Libtorch = Text(document, "libtorch"),
        Kernels = Text(document, "kernels"),
        Threads = (uint)(document.Integer("threads", 0, uint.MaxValue) ?? throw document.Missing("threads")),
    };

    private static EvaluationPoint? Evaluation(ConfigDocument document, string key) => document.Object(key) is { } evaluation
        ? new EvaluationPoint { Step = Whole(evaluation, "step"), Loss = evaluation.Number("loss") ?? double.NaN, LabelTokens = Whole(evaluation, "label_tokens") }
        : null;

    private static LayoutStretch Layout(ConfigDocument layout) => new()
    {
        Generation = Whole(layout, "generation"),
        FirstStep = Whole(layout, "first_step"),
        LastStep = Whole(layout, "last_step"),
        Replicas = (uint)(layout.Integer("replicas", 1, int.MaxValue) ?? throw layout.Missing("replicas")),
        Stages = (uint)(layout.Integer("stages", 1, int.MaxValue) ?? throw layout.Missing("stages")),
    };

    // The digest becomes a file's name: it may be nothing but a digest.
    private static List<StateBlob> Blobs(ConfigDocument document)
    {
        var blobs = Items(document, "blobs").Select(blob => new StateBlob
        {
            Layer = (uint)(blob.Integer("layer", 0, uint.MaxValue) ?? throw blob.Missing("layer")),
            Sha256 = Text(blob, "sha256") is { Length: 64 } digest && digest.All(char.IsAsciiHexDigitLower)
                ? digest
                : throw blob.Wrong("sha256", "the 64 digits of a digest", blob.Find("sha256")!.Value),
            Bytes = Whole(blob, "bytes"),
        }).ToList();
        return blobs.Zip(blobs.Skip(1), (before, after) => before.Layer < after.Layer).All(ordered => ordered)
            ? blobs
            : throw new InvalidInputException($"{document.File}: blobs are not those of different layers in their order.");
    }

    private static Timestamp Time(ConfigDocument document) =>
        document.Find("time") is { ValueKind: JsonValueKind.String } time && time.TryGetDateTimeOffset(out var moment)
            ? Timestamp.FromDateTimeOffset(moment)
            : throw new InvalidInputException($"{document.File} lacks time, a moment in ISO 8601.");

    private static IEnumerable<ConfigDocument> Items(ConfigDocument document, string key) => document.Objects(key) ?? throw document.Missing(key);

    private static ConfigDocument Object(ConfigDocument document, string key) => document.Object(key) ?? throw document.Missing(key);

    private static string Text(ConfigDocument document, string key) => document.Text(key) ?? throw document.Missing(key);

    private static double Number(ConfigDocument document, string key) => document.Number(key) ?? throw document.Missing(key);

    // What a double holds exactly: far more than any run counts.
    private static ulong Whole(ConfigDocument document, string key) => (ulong)(document.Integer(key, 0, MaxWhole) ?? throw document.Missing(key));
}
