using System.Runtime.InteropServices;
using System.Text.Json;
using Orchestrator.Coordinator.Models;

namespace Orchestrator.Integration.Tests.Processes;

/// <summary>One training line of metrics.jsonl.</summary>
internal sealed record StepLine(int Step, double Loss, double GradNorm, double LearningRate, long LabelTokens);

/// <summary>Reads what a run left in its output folder.</summary>
internal sealed class RunOutput(string folder)
{
    public string Folder => folder;

    public string AdapterFile => Path.Combine(folder, "adapter", "adapter_model.safetensors");

    public byte[] AdapterBytes => File.ReadAllBytes(AdapterFile);

    public IReadOnlyList<StepLine> Steps =>
        [.. Lines("metrics.jsonl").Where(line => line.TryGetProperty("loss", out _)).Select(line => new StepLine(
            line.GetProperty("step").GetInt32(), line.GetProperty("loss").GetDouble(), line.GetProperty("grad_norm").GetDouble(),
            line.GetProperty("learning_rate").GetDouble(), line.GetProperty("label_tokens").GetInt64()))];

    /// <summary>(step, eval_loss, eval_label_tokens) in the order written.</summary>
    public IReadOnlyList<(int Step, double Loss, long LabelTokens)> Evaluations =>
        [.. Lines("metrics.jsonl").Where(line => line.TryGetProperty("eval_loss", out _)).Select(line =>
            (line.GetProperty("step").GetInt32(), line.GetProperty("eval_loss").GetDouble(), line.GetProperty("eval_label_tokens").GetInt64()))];

    public IEnumerable<JsonElement> Lines(string file) =>
        File.ReadLines(Path.Combine(folder, file)).Select(line => JsonDocument.Parse(line).RootElement);

    public JsonElement Json(string file) => JsonDocument.Parse(File.ReadAllText(Path.Combine(folder, file))).RootElement;

    /// <summary>The F32 tensors of a safetensors file by name.</summary>
    public static IReadOnlyDictionary<string, float[]> Tensors(string file)
    {
        byte[] bytes = File.ReadAllBytes(file);
        return SafetensorsHeader.Read(file).Tensors.Where(tensor => tensor.DTypeName == "F32").ToDictionary(
            tensor => tensor.Name,
            tensor => MemoryMarshal.Cast<byte, float>(bytes.AsSpan(checked((int)tensor.Offset), checked((int)tensor.Length))).ToArray(),
            StringComparer.Ordinal);
    }
}
