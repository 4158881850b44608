using Orchestrator.Coordinator.Adapters;

namespace Orchestrator.Worker.Tests.Models;

/// <summary>Logits and every adapter gradient of the reference's adapters (logits 1e-4 absolute, gradients 5e-5 of a tensor's largest entry).</summary>
public sealed class GoldenAdapterTests
{
    private const int Rows = 2;
    private const int Width = 14;

    public static TheoryData<string, Weights, bool> Cases()
    {
        var data = new TheoryData<string, Weights, bool>();
        foreach (var name in (string[])["llama3-all-linear", "llama3-exclude", "llama3-layers", "llama3-list", "llama3-patterns", "llama3-regex", "llama3-rslora"])
        {
            foreach (var packed in (bool[])[true, false])
            {
                data.Add(name, Weights.Sixteen, packed);
                data.Add(name, Weights.Nf4Double, packed);
            }
        }

        return data;
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Logits_WithAdapter_EqualTheReference(string name, Weights weights, bool packed)
    {
        using var stage = Load(name, weights);
        var expected = GoldenFiles.Expected("adapters", name);
        var mask = GoldenFiles.Integers(expected, "attention_mask");
        var all = GoldenFiles.Floats(expected, weights == Weights.Sixteen ? "logits_16bit" : "logits_nf4_double");
        var vocabulary = all.Length / (Rows * Width);
        float[] wanted = [.. Enumerable.Range(0, all.Length).Where(i => mask[i / vocabulary] == 1).Select(i => all[i])];
        GoldenModelTests.AssertClose(wanted, stage.Logits(GoldenFiles.MaskedBatch(expected, Rows, Width, packed)), 1e-4f);
    }

    [Theory]
    [MemberData(nameof(Cases))]
    public void Gradients_OfEveryParameter_EqualTheReference(string name, Weights weights, bool packed)
    {
        using var stage = Load(name, weights);
        var expected = GoldenFiles.Expected("adapters", name);
        var (flat, _) = stage.Gradients(GoldenFiles.MaskedBatch(expected, Rows, Width, packed), 1f);
        foreach (var parameter in stage.Adapter.Layout.Parameters)
        {
            var key = PeftAdapter.KeyOf(parameter.Module.Module, parameter.IsA);
            var wanted = GoldenFiles.Floats(expected, $"grad_{(weights == Weights.Sixteen ? "16bit" : "nf4_double")}.{key}");
            var largest = wanted.Max(Math.Abs);
            GoldenModelTests.AssertClose(wanted, flat.AsSpan((int)parameter.Offset, (int)parameter.Length), 5e-5f * largest);
        }
    }

    private static LoadedStage Load(string name, Weights weights)
    {
        var folder = GoldenFiles.Model("llama3");
        return new LoadedStage(GoldenFiles.Stage(folder, weights, GoldenFiles.Adapter(name).Bind(folder.Spec)));
    }
}
