using System.Text.Json;
using Orchestrator.Coordinator.Models;

namespace Orchestrator.Integration.Tests.Layouts;

/// <summary>Holds what each worker says it has read of the model's files against its own stage's tensors.</summary>
internal static class BaseBytes
{
    /// <param name="run">The run.</param>
    /// <param name="model">The model's folder, with one file of weights.</param>
    /// <param name="tied">Whether the embedding is the head, too, so that both end stages read it.</param>
    public static void Check(LayoutRun run, string model, bool tied)
    {
        var tensors = SafetensorsHeader.Read(Path.Combine(model, "model.safetensors")).Tensors;
        Assert.Equal(tied, tensors.All(tensor => tensor.Name != "lm_head.weight"));
        foreach (var worker in run.Workers)
        {
            long own = tensors.Where(tensor => IsOwn(tensor.Name, worker, run.Stages, tied)).Sum(tensor => (long)tensor.Length);
            Assert.True(own == worker.GetProperty("base_bytes_read").GetInt64(), $"{run.Replicas}x{run.Stages}: {worker} has {own} bytes of its own");
            Assert.Equal(run.Stages == 1, own == tensors.Sum(tensor => (long)tensor.Length));
        }
    }

    private static bool IsOwn(string name, JsonElement worker, int stages, bool tied)
    {
        int stage = worker.GetProperty("stage").GetInt32();
        var (first, last) = (stage == 0, stage == stages - 1);
        if (name.StartsWith("model.layers.", StringComparison.Ordinal))
        {
            var layers = worker.GetProperty("layers");
            return int.Parse(name.Split('.')[2]) is var layer && layer >= layers[0].GetInt32() && layer <= layers[1].GetInt32();
        }

        return name == "model.embed_tokens.weight" ? first || (last && tied) : last;
    }
}
