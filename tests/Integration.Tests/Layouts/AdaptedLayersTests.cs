using Orchestrator.Coordinator.Models;
using Orchestrator.Integration.Tests.Processes;

namespace Orchestrator.Integration.Tests.Layouts;

/// <summary>A stage may have no adapter at all: then it computes and passes gradients on, and the adapter is the same.</summary>
public sealed class AdaptedLayersTests
{
    /// <param name="adapted">Layers of one stage of two.</param>
    [Theory]
    [InlineData(0, 1)]
    [InlineData(4, 5)]
    public void Train_AStageWithoutAdapter_GivesEqualBytes(params int[] adapted)
    {
        using var folder = new TemporaryFolder();
        string[] set = [.. ShortRun.Keys, "adapter.target_modules=[q_proj, k_proj, v_proj, o_proj, gate_proj, up_proj, down_proj]", $"adapter.layers_to_transform=[{string.Join(", ", adapted)}]", "adapter.exclude_modules=[down_proj, k_proj]"];
        var whole = new LayoutRun(ShortRun.Job, folder["1x1"], 1, 1, set);
        var cut = new LayoutRun(ShortRun.Job, folder["1x2"], 1, 2, set);

        Assert.Equal(whole.Output.AdapterBytes, cut.Output.AdapterBytes);
        Assert.Equal(3, whole.Output.Steps.Count);
        Assert.Equal(whole.Output.Steps, cut.Output.Steps);
        Assert.All(whole.Output.Steps, step => Assert.True(step.GradNorm > 0));
        Assert.Equal(1, cut.Workers.Count(worker => worker.GetProperty("layers") is var layers && adapted.Any(layer => layer >= layers[0].GetInt32() && layer <= layers[1].GetInt32())));
        Assert.Equal(Keys(adapted), SafetensorsHeader.Read(cut.Output.AdapterFile).Tensors.Select(tensor => tensor.Name).Order(StringComparer.Ordinal));
    }

    private static IEnumerable<string> Keys(int[] layers)
    {
        string[] modules = ["mlp.gate_proj", "mlp.up_proj", "self_attn.o_proj", "self_attn.q_proj", "self_attn.v_proj"];
        return from layer in layers from module in modules from part in new[] { "A", "B" } select $"base_model.model.model.layers.{layer}.{module}.lora_{part}.weight";
    }
}
